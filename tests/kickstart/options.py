"""Prints the options that pykickstart knows of an installer's commands and sections, in the form of kickstart/options/*.txt.

options.py RHEL6|RHEL7. Names, kinds of value and numbers of arguments; none of its texts."""
import inspect
import sys
import warnings

warnings.simplefilter("ignore")
from pykickstart.base import DeprecatedCommand  # noqa: E402
from pykickstart.parser import KickstartParser  # noqa: E402
from pykickstart.version import makeVersion, stringToVersion  # noqa: E402


# Commands that read their words themselves, or are read no more.
ANYTHING = ("auth", "authconfig", "authselect", "deviceprobe", "monitor")


def kind(action):
    if action.nargs == 0:
        return ""
    if action.choices:
        return "=" + "|".join(str(choice) for choice in action.choices)
    name = getattr(action.type, "__name__", "")
    return {"int": "=NUMBER", "ksboolean": "=YES-OR-NO"}.get(name, "=TEXT")


def parsers_of(command):
    return [of.__dict__["parse"] for of in type(command).__mro__ if "parse" in of.__dict__]


def line(name, parser, readers):
    if parser is None:
        return f"{name} -" if name in ANYTHING else f"{name} 0"
    # A command that looks at the words left over takes more than its parser says.
    looks = any("parse_known_args" in inspect.getsource(it) for it in readers)
    arguments, options = "*" if looks else "0", []
    first = True
    for action in parser._actions:
        if not action.option_strings:
            count = {None: "1", 1: "1"}.get(action.nargs, str(action.nargs))
            arguments = count if first else "*"
            first = False
            continue
        needed = "!" if action.required else ""
        options += [f"{option}{kind(action)}{needed}" for option in action.option_strings]
    return " ".join([name, arguments, *sorted(options)])


version = stringToVersion(sys.argv[1])
handler = makeVersion(version)
for name, command in sorted(handler.commands.items()):
    if command is not None:
        print(f"{name} -" if isinstance(command, DeprecatedCommand) else line(name, getattr(command, "op", None), parsers_of(command)))
for name, section in sorted(KickstartParser(handler)._sections.items()):
    parser = section._getParser() if hasattr(section, "_getParser") else None
    if parser is not None and name != "%certificate":
        print(line(name, parser, []))
