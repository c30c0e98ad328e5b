"""From documents to resources: apiVersion, kind, metadata, and which kinds there are. Looks into no `spec`.

Kinds are of four sorts: those this version acts on; those of a later version, accepted with a warning; documented kinds
that are no business of a router, passed over with one info line; and unknown ones, which are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .documents import Document, Path, dotted
from .problems import Problem, suggestion

KINDS = (
    *("RouterSettings", "Secret", "Model", "ModelRoute"),
    *("ClientKey", "Agent", "Team", "Environment", "Tool"),
)
LATER_KINDS: Mapping[str, str] = {
    "Policy": "no policy is applied to any call",
    "Budget": "no spending is limited",
    "Guardian": "no guardian is asked",
}
"""Kinds a later version acts on, and what that means for this one."""
UNRELATED_KINDS = frozenset(
    (
        *("AgBOM", "Approval", "Artifact", "Conversation", "Deployment", "Eval", "Execution", "ExecutionLoop"),
        *("FrameworkAdapter", "Guardrail", "Handoff", "KnowledgeSource", "MCPServer", "Memory", "ModelPolicy"),
        *("Personality", "Plan", "Prompt", "RAG", "SecretRef", "Skill", "StateCheckpoint", "ToolCall"),
        *("ToolRegistry", "Trace"),
    )
)
VERSION = "v1alpha1"
_GROUPS = ("joch.dev", *(f"{name}.joch.dev" for name in ("model", "ops", "runtime", "tools", "router")))
_HOME = {
    "Model": "model",
    "ModelRoute": "model",
    "Secret": "ops",
    "RouterSettings": "router",
    "Tool": "tools",
}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")
_TOOL = re.compile(r"[A-Za-z0-9_.:*-]{1,256}")
"""Tools are called what the apps call them, and may be globs."""
_RESERVED = frozenset({"capabilities", "-"})
"""`GET /v1/models/capabilities` is a page of its own, so no model can have that name."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_METADATA = ("name", "namespace", "labels", "annotations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One declared resource whose envelope is right. `spec` is as written."""

    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    document: Document
    overlay: bool = False

    @property
    def id(self) -> str:
        """Kind/namespace/name, as problems and events call it."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    def problem(
        self, code: str, message: str, path: Path = (), hint: str | None = None, *, at_key: bool = False
    ) -> Problem:
        """A problem at `path` of this resource."""
        return Problem(
            code=code,
            message=message,
            position=self.document.at(path, key=at_key),
            resource=self.id,
            path=dotted(path),
            hint=hint,
        )


def read(documents: Iterable[tuple[Document, bool]]) -> tuple[list[Resource], list[Problem]]:
    """The resources of all (document, from an overlay) pairs, one per identity, and what is wrong with their envelopes."""
    resources: dict[tuple[str, str, str], Resource] = {}
    problems: list[Problem] = []
    for document, overlay in documents:
        if document.value is None:
            continue
        resource = _Envelope(document, problems).read(overlay=overlay)
        if resource is None:
            continue
        identity = (resource.kind, resource.namespace, resource.name)
        earlier = resources.get(identity)
        if earlier is None or overlay:
            resources[identity] = resource
        if earlier is not None:
            problems.append(_twice(earlier, resource))
    problems += _later(resources.values())
    return [resource for resource in resources.values() if resource.kind in KINDS], problems


def _twice(earlier: Resource, later: Resource) -> Problem:
    place = earlier.document.at(("metadata", "name"))
    if later.overlay:
        return later.problem("I-OVERLAID", f"replaces the one at {place}", ("metadata", "name"))
    hint = "rename one, or pass the later file with --overlay to replace the earlier one"
    return later.problem("E-DUP-RESOURCE", f"already declared at {place}", ("metadata", "name"), hint)


def _later(resources: Iterable[Resource]) -> list[Problem]:
    """One warning per kind of a later version, naming all its resources."""
    by_kind: dict[str, list[Resource]] = {}
    for resource in resources:
        if resource.kind in LATER_KINDS:
            by_kind.setdefault(resource.kind, []).append(resource)
    problems = []
    for kind, found in by_kind.items():
        names = ", ".join(resource.name for resource in found)
        message = f"this version does not act on {kind} resources ({names}): {LATER_KINDS[kind]}"
        problems.append(found[0].problem("W-KIND-LATER", message, ("kind",)))
    return problems


@dataclass(slots=True)
class _Envelope:
    """Reads one document, writing what is wrong into `problems`."""

    document: Document
    problems: list[Problem]
    about: str = ""

    def read(self, *, overlay: bool) -> Resource | None:
        value = self.document.value
        if not isinstance(value, dict):
            hint = "write the four, and --- between two resources"
            self._report("E-TYPE", "a resource is a mapping with apiVersion, kind, metadata and spec", (), hint)
            return None
        kind = value.get("kind")
        if not self._known(kind):
            return None
        metadata = value.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
            hint = "write metadata: { name: … }"
            self._report("E-TYPE", f"a {kind} needs metadata.name, as text", ("metadata", "name"), hint)
            return None
        namespace = metadata.get("namespace") or "default"
        self.about = f"{kind}/{namespace}/{metadata['name']}"
        self._group(kind, value.get("apiVersion"))
        if kind not in KINDS:
            return self._resource(kind, metadata, {}, overlay=overlay)
        good = self._members(value, _TOP, ()) & self._members(metadata, _METADATA, ("metadata",))
        good &= self._name(kind, metadata["name"]) & self._namespace(namespace) & self._labels(metadata.get("labels"))
        spec = value.get("spec")
        if not isinstance(spec, dict):
            self._report("E-TYPE", "spec should be a mapping", ("spec",), "write spec: and its fields below, indented")
            return None
        return self._resource(kind, metadata, spec, overlay=overlay) if good else None

    def _resource(self, kind: str, metadata: dict[str, Any], spec: dict[str, Any], *, overlay: bool) -> Resource:
        return Resource(
            kind=kind,
            namespace=str(metadata.get("namespace") or "default"),
            name=metadata["name"],
            labels=metadata.get("labels") or {},
            spec=spec,
            document=self.document,
            overlay=overlay,
        )

    def _known(self, kind: Any) -> TypeGuard[str]:
        if not isinstance(kind, str):
            self._report("E-UNKNOWN-KIND", "a resource needs a kind", ("kind",), f"one of: {', '.join(KINDS)}")
            return False
        if kind in UNRELATED_KINDS:
            self._report("I-KIND-IGNORED", f"{kind} is no business of the router and is passed over", ("kind",))
            return False
        if kind not in KINDS and kind not in LATER_KINDS:
            hint = suggestion(kind, (*KINDS, *LATER_KINDS))
            self._report("E-UNKNOWN-KIND", f"there is no kind {kind[:60]!r}", ("kind",), hint)
            return False
        return True

    def _group(self, kind: str, version: Any) -> None:
        group, _, number = version.partition("/") if isinstance(version, str) else ("", "", "")
        if group not in _GROUPS or number != VERSION:
            home = f"{_HOME[kind]}.joch.dev" if kind in _HOME else "joch.dev"
            message = "apiVersion is missing" if version is None else "there is no such apiVersion"
            self._report("E-ENUM", message, ("apiVersion",), f"write {home}/{VERSION}")
        elif kind in _HOME and group not in ("joch.dev", f"{_HOME[kind]}.joch.dev"):
            hint = f"write {_HOME[kind]}.joch.dev/{VERSION}"
            self._report("W-API-GROUP", f"{kind} belongs to another API group; accepted", ("apiVersion",), hint)

    def _members(self, value: dict[str, Any], known: tuple[str, ...], path: Path) -> bool:
        unknown = [name for name in value if name not in known and not name.startswith("x-")]
        for name in unknown:
            self._report(
                "E-UNKNOWN-FIELD",
                f"there is no field {name[:60]!r} here",
                (*path, name),
                suggestion(name, known),
                key=True,
            )
        return not unknown

    def _name(self, kind: str, name: str) -> bool:
        path = ("metadata", "name")
        if name in _RESERVED:
            self._report("E-RESERVED-NAME", f"the name {name} is taken by the router itself", path, "choose another")
            return False
        if kind == "Tool" and _TOOL.fullmatch(name):
            return True
        if not _NAME.fullmatch(name):
            hint = "use lower-case letters, digits, . _ - (and put the provider's own id into spec.model)"
            self._report("E-TYPE", "the name has characters that a name cannot have", path, hint)
            return False
        if kind == "RouterSettings" and name != "default":
            self._report(
                "E-RESERVED-NAME", "there is one RouterSettings, and its name is default", path, "name: default"
            )
            return False
        return True

    def _namespace(self, namespace: Any) -> bool:
        if isinstance(namespace, str) and _NAME.fullmatch(namespace):
            return True
        hint = "use lower-case letters, digits, . _ -"
        self._report("E-TYPE", "the namespace has characters that a name cannot have", ("metadata", "namespace"), hint)
        return False

    def _labels(self, labels: Any) -> bool:
        if labels is None:
            return True
        if not isinstance(labels, dict):
            self._report(
                "E-TYPE", "labels should be a mapping", ("metadata", "labels"), "write labels: { team: research }"
            )
            return False
        wrong = [name for name, label in labels.items() if not isinstance(label, str)]
        for name in wrong:
            self._report("E-TYPE", "a label is text", ("metadata", "labels", name), "put it in quotes")
        return not wrong

    def _report(self, code: str, message: str, path: Path, hint: str | None = None, *, key: bool = False) -> None:
        self.problems.append(
            Problem(
                code=code,
                message=message,
                position=self.document.at(path, key=key),
                resource=self.about,
                path=dotted(path),
                hint=hint,
            )
        )
