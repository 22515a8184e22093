"""Sources that are compiled together behave as if each were compiled alone."""

import subprocess

import pytest

from neurosim.engines import compiler
from neurosim.engines.cache import compiler_here
from neurosim.engines.unity import joinable, joined, without_bodies
from neurosim.errors import EngineError

OBJECTS = "#pragma once\nnamespace brian { extern double x; }\n"
MAIN = """#include "objects.h"
#include <cstdio>
namespace brian { double x = 1; }
void first(); void second();
int main() { first(); second(); std::printf("%g", brian::x); return 0; }
"""


def code(function: str, statement: str, helper: str) -> str:
    """A source as Brian2 generates it for a code object: helpers, macros, a function."""
    return f"""#include "objects.h"
namespace {{
    #ifndef HELPER
    #define HELPER
    double helper(double y) {{ return {helper}; }}
    #endif

}}

void {function}()
{{
    using namespace brian;

    {statement}
}}
"""


SOURCES = {
    "code_objects/first.cpp": code("first", "x = helper(x);", "y + 2"),
    "code_objects/second.cpp": code("second", "x = helper(x);", "y * 10"),
    "main.cpp": MAIN,
}
ROLES = {"code_objects/first.cpp": "steps", "code_objects/second.cpp": "steps", "main.cpp": "once"}


@pytest.fixture
def here():
    found = compiler_here()
    if found is None:
        pytest.skip("no C++ compiler here")
    return found


def answer(folder, sources, here, roles=ROLES):
    (folder / "code_objects").mkdir()
    (folder / "objects.h").write_text(OBJECTS)
    for name, text in sources.items():
        (folder / name).write_text(text)
    compiler.compile_program(folder, roles, here)
    assert not [*folder.glob("**/*.o"), *folder.glob("*_unit.cpp")], "only sources and the program stay"
    return subprocess.run([folder / "main"], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def calls(monkeypatch):
    made, run = [], compiler._run
    monkeypatch.setattr(
        compiler, "_run", lambda command, directory: (made.append(command[-1]), run(command, directory))
    )
    return made


def test_each_source_uses_its_own_helpers(tmp_path, here, calls):
    assert answer(tmp_path, SOURCES, here) == "30"  # (1 + 2) * 10
    assert len([call for call in calls if call.endswith("_unit.cpp")]) == 2 and len(calls) == 3


def test_source_that_looks_otherwise_is_compiled_alone(tmp_path, here, calls):
    other = (
        SOURCES["code_objects/second.cpp"]
        .replace("using namespace brian;\n", "")
        .replace("x =", "brian::x =")
    )
    other = other.replace("helper(x)", "helper(brian::x)")
    assert not joinable("code_objects/second.cpp", other)
    assert answer(tmp_path, SOURCES | {"code_objects/second.cpp": other}, here) == "30"
    assert "code_objects/second.cpp" in calls and "code_objects/first.cpp" not in calls


def test_sources_that_do_not_go_together_are_compiled_alone(tmp_path, here, calls):
    twice = {name: text + "static int same_name = 1;\n" for name, text in SOURCES.items()}
    assert answer(tmp_path, twice, here) == "30"
    assert {"code_objects/first.cpp", "code_objects/second.cpp"} < set(calls)


def test_error_names_the_source(tmp_path, here):
    wrong = SOURCES | {"code_objects/second.cpp": code("second", "x = nothing;", "y")}
    with pytest.raises(EngineError, match="could not compile code_objects/second.cpp: .*nothing"):
        answer(tmp_path, wrong, here)


def test_macros_of_a_source_do_not_reach_the_next():
    text = joined(SOURCES, {name: number for number, name in enumerate(SOURCES)})
    assert text.count("#undef HELPER") == 2
    assert text.index("namespace unit_0 {") < text.index("#undef HELPER") < text.index("namespace unit_1 {")
    assert text.index("int main()") > text.rindex("#undef HELPER")


def test_emptied_function_stops_the_program():
    text = "void before()\n{\n    one();\n}\n\nvoid gone(int k)\n{\n    two();\n}\n\nvoid after() {\n    three();\n}\n"
    assert without_bodies(text, ["gone", "after"]) == (
        "void before()\n{\n    one();\n}\n\nvoid gone(int k)\n{ std::abort(); }\n\nvoid after() { std::abort(); }\n"
    )
    assert without_bodies(text, ["missing"]) == text
