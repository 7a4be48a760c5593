"""What pykickstart says of every kickstart in a directory, as JSON: file -> version -> null or why it is refused."""
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
from pykickstart.parser import KickstartParser  # noqa: E402
from pykickstart.version import makeVersion, stringToVersion  # noqa: E402


def verdict(path, version):
    parser = KickstartParser(makeVersion(stringToVersion(version)), followIncludes=False)
    try:
        parser.readKickstart(path)
    except Exception as error:
        return str(error) or type(error).__name__


said = {}
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    said[name] = {version: verdict(path, version) for version in ("RHEL6", "RHEL7")}
json.dump(said, sys.stdout)
