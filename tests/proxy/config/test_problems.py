from proxy.config.problems import ConfigError, Position, Problem, errors, suggestion, warnings


def test_a_problem_is_one_line_with_everything_in_order() -> None:
    problem = Problem(
        code="E-ENUM",
        message="'chatt' is not a value of this field",
        position=Position("c.yaml", 3, 8),
        resource="Model/default/a",
        path="spec.api",
        hint="did you mean chat?",
    )
    assert str(problem) == (
        "c.yaml:3:8  E-ENUM  Model/default/a  spec.api  'chatt' is not a value of this field  -> did you mean chat?"
    )


def test_what_is_absent_is_a_dash_and_a_flag_has_no_line() -> None:
    problem = Problem(code="W-X", message="odd", position=Position("flag --host"))
    assert str(problem) == "flag --host  W-X  -  -  odd"


def test_the_first_letter_is_the_level() -> None:
    found = [Problem(code=code, message="", position=Position("f")) for code in ("E-A", "W-A", "I-A")]
    assert [problem.level for problem in found] == ["error", "warning", "info"]
    assert (len(errors(found)), len(warnings(found))) == (1, 1)
    assert str(ConfigError(found)).count("\n") == 2


def test_a_suggestion_is_the_nearest_else_all_of_a_few() -> None:
    assert suggestion("TOOLCALLING", ["toolCalling", "text"]) == "did you mean toolCalling?"
    assert suggestion("xyz", ["b", "a"]) == "one of: a, b"
    assert suggestion("xyz", [f"name-{number}" for number in range(30)]) is None
    assert suggestion("xyz", []) is None
