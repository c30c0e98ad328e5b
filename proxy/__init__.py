"""Everything with I/O, decisions and state. This page is the architecture; `gateway.py` tells the story of one call.

    app          makes every object, and is the only module that imports everything
    server/      aiohttp.web: the only inward I/O
    gateway      one call from beginning to end; planner makes its plan, failover says what may follow a failed attempt
    reporting    events, metrics and headers of calls: nobody else tells what became of one
    explain/     why a call went where it went: the document, what would have changed it, where it is kept
    adapters/    binds a Model record, a provider, a secret and the upstream client into something that answers
    upstream     the only outward I/O to providers
    routing/     names, routes and plans: pure decisions with their reasons; the health of candidates
    identity/    who calls, in which execution, and what it may name
    budgets/     the ledger: reserve before a call, settle after it, exact across processes
    effects/     what tools of a turn have done, and whether another model may go on with it
    config/      YAML to one immutable snapshot, or errors that name file, line and hint
    secrets/     references to values, resolved at the call boundary and nowhere kept; tokens of identity services
    continuity/  sealed reasoning on its way through clients that know nothing of it: envelopes and a vault
    store/       the embedded database, one thread behind a queue
    catalog/     what is known of hosted models, with source and date; pricing turns tokens into money
    conformance/ what "supported" means: simulated providers, scenarios, the runner behind `joch providers verify`
    events/      envelopes, the bounded queue, sinks; metrics/ counts what passes
    resources    the frozen records that all of the above share: Settings, Model, ModelRoute, Snapshot

Siblings do not import each other. `translators/` knows nothing of this package.
"""
