#!/usr/bin/env bash
# Versions: click 8.1.7, 8.1.8, 8.3.1 (PyPI).
#
# A group sets `help_option_names` to -h and --help in its context settings. A program asks one of
# its commands for its options twice: once under a plain Context, say to complete a word, and then
# under the context of the group.
#
# Expected: -h and --help the second time, as the names are those of the context that is given.
#
# Seen: so it is with 8.1.7. Since 8.1.8 the command keeps the help option of the first context that has
# asked, and -h is unknown to it from then on.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >names.py <<'PY'
from importlib.metadata import version

import click

group = click.Group(context_settings={"help_option_names": ["-h", "--help"]})
command = click.Command("backup")
group.add_command(command)


def names(parent):
    option = command.get_help_option(click.Context(command, parent=parent))
    return ",".join(sorted(option.opts))


group_context = click.Context(group, **group.context_settings)
print(version("click"), names(None), names(group_context))
PY
for number in 8.1.7 8.1.8 8.3.1; do
    python3 -m venv "venv-$number"
    "venv-$number/bin/pip" install --quiet --no-compile --disable-pip-version-check "click==$number"
    "venv-$number/bin/python" names.py
done | tee seen
diff - seen <<'SEEN'
8.1.7 --help --help,-h
8.1.8 --help --help
8.3.1 --help --help
SEEN
