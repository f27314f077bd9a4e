"""Checks the tree against its conventions, which are held here (and in include_table.txt) as data.

    python3 tests/tidy/tidy.py [ROOT] [--rule NAME] [--format]

Prints one problem a line as path:line: text, and exits 1 when there is any. --format checks the
layout by clang-format-19 instead. tidy_test.py plants violations and sees them caught.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

MAX_SOURCE_LINES = 500
MAX_HEADER_LINES = 200
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 100

CODE_FOLDERS = ("raft", "storage", "broker")
CORE = ("raft", "broker/base", "broker/amqp", "broker/routing", "broker/queue", "broker/session",
        "broker/catalog")

# Which library an external header belongs to; the first match counts, None is free to all.
LIBRARIES = (
    (r"rocksdb/", "rocksdb"), (r"xxhash\.h", "xxhash"), (r"fmt/", "fmt"),
    (r"boost/(asio|system)(/|\.hpp)", "asio"), (r"boost/beast(/|\.hpp)", "beast"),
    (r"boost/json(/|\.hpp)", "json"), (r"boost/url(/|\.hpp)", "url"), (r"boost/", "boost-data"),
    (r"spdlog/", "spdlog"), (r"openssl/", "openssl"), (r"CLI/", "cli"),
    (r"google/protobuf/", "protobuf"), (r"grpc(pp)?/", "grpc"),
    (r"(sys|netinet|arpa|linux)/|(unistd|pthread|fcntl|signal|time|netdb|poll)\.h", "posix"),
    (r"[a-z_0-9]+(\.h)?$", None),
)

# (pattern, where, why). Comments and strings are blanked before the search.
BANNED = (
    (r"_clock::now|\bclock_gettime\b|\bgettimeofday\b|\btime\(\s*(nullptr|NULL|0)\s*\)", CORE,
     "the core takes time as an argument"),
    (r"\b(s?rand|random)\(|random_device|\bmt19937", CORE,
     "the core draws from the seeded generator passed in"),
    (r"\b(spdlog|log_(debug|info|warning|error|line|write)|std::(cout|cerr))\b|\bprintf\(", CORE,
     "the core does not log"),
    (r"\basio\b|\brocksdb\b|\bgrpc\b", CORE, "the core knows no sockets and no storage"),
    (r"\bstd::(jthread|thread|mutex|shared_mutex|lock_guard|unique_lock|scoped_lock|atomic|"
     r"condition_variable|async|future|promise)\b|\bthis_thread\b", CORE,
     "the core has no threads and no locks"),
    (r"\bthread_local\b|^\s+static (?!const|inline|cast|assert)[\w:<>,*& ]+ \w+( = .*|\{.*)?;",
     CORE,
     "no static mutable state in the core"),
    (r"\b(float|double)\b", ("raft", "broker/routing", "broker/queue", "broker/session",
                             "broker/catalog"), "no floating point in replicated state"),
    (r"\bthrow\b", CODE_FOLDERS, "we throw nothing: Result, outcome or CHECK"),
    (r"\bstd::(mutex|shared_mutex|recursive_mutex)\b",
     ("broker/frontend", "broker/management", "broker/inspect", "broker/config", "broker/auth"),
     "shared nothing: post to the other reactor"),
    (r"\bco_spawn\b", ("broker/cluster", "broker/frontend", "broker/management", "broker/replica"),
     "coroutines start in runtime::spawn"),
)

# The only places that catch libraries' exceptions.
MAY_CATCH = {"broker/runtime/spawn.cpp", "broker/main.cpp", "broker/ctl/main.cpp",
             "broker/perf/main.cpp",
             "broker/runtime/log.cpp",         # at startup: spdlog's file sink
             "broker/management/listing.cpp",  # std::regex of a peer's pattern
             "broker/catalog/permissions.cpp"}  # std::regex of a user's pattern

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# Words that these rules themselves have to spell.
MAY_SPELL = {"tests/tidy/tidy.py", "tests/tidy/tidy_test.py"}

# Folders whose tests lie elsewhere.
NO_UNIT_FOLDER = {"broker": "tests/cluster"}


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = sorted(self._list())
        self._texts = {}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root,
                                    capture_output=True, text=True, check=False)
            if listed.returncode == 0:
                return [path for path in listed.stdout.splitlines()
                        if os.path.isfile(os.path.join(self.root, path))]
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in files]
        return found

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def code(self, *folders):
        """C++ files below the folders, all of them when none is given."""
        return [path for path in self.files if path.endswith((".h", ".cpp")) and
                (not folders or path.startswith(tuple(folder + "/" for folder in folders)))]

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))


def folder_of(path):
    """The folder of the include table: broker/queue, raft, broker."""
    parts = path.split("/")[:-1]
    return "/".join(parts[:2] if parts and parts[0] == "broker" else parts[:1])


def blanked(text):
    """The text with comments' and literals' insides as blanks; lines stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                         r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def read_include_table(text):
    table = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        folder, _, rest = line.partition(":")
        folders, _, libraries = rest.partition("|")
        table[folder.strip()] = (set(folders.split()), set(libraries.split()))
    return table


def library_of(header):
    for pattern, library in LIBRARIES:
        if re.match(pattern, header):
            return library
    return header.split("/")[0]


def check_includes(tree):
    table = read_include_table(tree.text("tests/tidy/include_table.txt"))
    for folder, (folders, _) in table.items():
        for other in folders & table.keys():
            if folder in table[other][0]:
                yield "tests/tidy/include_table.txt", 1, f"{folder} and {other} include each other"
    for path in tree.code(*CODE_FOLDERS):
        folder = folder_of(path)
        if folder not in table:
            yield path, 1, f"folder {folder} is not in tests/tidy/include_table.txt"
            continue
        folders, libraries = table[folder]
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            include = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
            if not include:
                continue
            if include[1]:
                other = folder_of(include[1])
                if other != folder and other not in folders:
                    yield path, number, f"{folder} may not include {include[1]}"
            else:
                library = library_of(include[2])
                if library and library not in libraries:
                    yield path, number, f"{folder} may not name {library} (<{include[2]}>)"


def check_sizes(tree):
    for path in tree.code():
        lines = tree.text(path).splitlines()
        limit = MAX_HEADER_LINES if path.endswith(".h") else MAX_SOURCE_LINES
        if len(lines) > limit:
            yield path, limit + 1, f"{len(lines)} lines, allowed are {limit}: split it by concern"
    for path in tree.files:
        if not path.endswith((".h", ".cpp", ".py", ".txt", ".proto", ".cmake")):
            continue
        if "/corpus/" in path or path == "tests/tidy/include_table.txt" or (
                path.startswith("tests/scenario/") and path.endswith(".txt")) or (
                path == "tests/interop/differential/differences.txt"):  # recorded traces
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if len(line) > MAX_COLUMNS and "http" not in line and "CMakeLists" not in path:
                yield path, number, f"{len(line)} columns, allowed are {MAX_COLUMNS}"


def functions(text):
    """(first line, last line) of what looks like a function with a body over several lines."""
    lines = blanked(text).splitlines()
    stack = []
    head_start = 0
    head = ""
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not head.strip():
            head, head_start = "", number
        head += line + "\n"
        for character in line:
            if character == "{":
                control = re.match(r"\s*(\}\s*)?(if|for|while|switch|else|do|case|return|namespace|"
                                   r"class|struct|union|enum|extern)\b", head)
                stack.append((head_start, "(" in head and not control))
            elif character == "}" and stack:
                start, is_function = stack.pop()
                if is_function and number > start:
                    yield start + 1, number + 1
        if not stripped or stripped.endswith((";", "}", "{", ":")) or stripped.startswith("#"):
            head = ""


def check_functions(tree):
    for path in tree.code():
        for first, last in functions(tree.text(path)):
            if last - first + 1 > MAX_FUNCTION_LINES:
                yield path, first, (f"a function of {last - first + 1} lines, allowed are "
                                    f"{MAX_FUNCTION_LINES}")


def check_banned(tree):
    for pattern, folders, why in BANNED:
        expression = re.compile(pattern)
        for path in tree.code(*folders):
            for number, line in enumerate(blanked(tree.text(path)).splitlines(), 1):
                if expression.search(line) and "#include" not in line:
                    yield path, number, f"{why}: {line.strip()}"
    for path in tree.code(*CODE_FOLDERS):
        if path in MAY_CATCH:
            continue
        for number, line in enumerate(blanked(tree.text(path)).splitlines(), 1):
            if re.search(r"\bcatch\s*\(", line):
                yield path, number, "exceptions are caught in runtime::spawn and at startup only"


def check_unordered(tree):
    """In the core nothing may walk an unordered container, whose order is nobody's choice, unless
    what it found is sorted in the lines below."""
    declared = re.compile(r"\bunordered_\w+<[^;]*?>\s*(\w+)\s*[;{=]", re.S)
    for path in tree.code(*CORE):
        text = blanked(tree.text(path))
        header = path.removesuffix(".cpp") + ".h"
        known = text
        if header != path and header in tree.files:
            known += blanked(tree.text(header))
        for name in set(declared.findall(known)):
            lines = text.splitlines()
            for number, line in enumerate(lines, 1):
                sorted_below = "sort(" in "".join(lines[number:number + 5])
                walks = re.search(rf"for \(.*: .*\b{name}\)|\b{name}\.c?r?begin\(", line)
                if walks and not sorted_below:
                    yield path, number, f"{name} is unordered: its order must not show"


def check_unfinished(tree):
    for path in tree.files:
        if path in MAY_SPELL or "/corpus/" in path or path.endswith((".png", ".svg", ".bin")):
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if UNFINISHED.search(line):
                yield path, number, f"unfinished: {line.strip()}"


def check_headers(tree):
    included = set()
    for path in tree.code():
        folder = os.path.dirname(path)
        for name in re.findall(r'#\s*include\s*"([^"]+)"', tree.text(path)):
            included.add(name)
            if "/" not in name:
                yield path, 1, f'#include "{name}" must give the path from the root'
    for path in tree.code():
        text = tree.text(path)
        if not path.endswith(".h"):
            continue
        if not text.startswith("// "):
            yield path, 1, "a header opens with what it is, who owns it and where it lives"
        if "#pragma once" not in text:
            yield path, 1, "#pragma once is missing"
        if path not in included:
            yield path, 1, "nobody includes it: a dead file"


def check_unit_mirror(tree):
    for folder in sorted({os.path.dirname(path) for path in tree.code(*CODE_FOLDERS)
                          if path.endswith(".cpp")}):
        if folder in NO_UNIT_FOLDER:
            continue
        if not any(path.startswith(f"tests/unit/{folder}/") and path.endswith("_test.cpp")
                   for path in tree.files):
            yield folder, 1, f"has no tests in tests/unit/{folder}"
    for path in tree.files:
        if path.startswith("tests/unit/") and path.endswith("_test.cpp"):
            folder = os.path.dirname(path).removeprefix("tests/unit/")
            if not tree.exists(folder):
                yield path, 1, f"mirrors no folder: there is no {folder}"


def check_doc_links(tree):
    for path in tree.files:
        if not path.endswith(".md"):
            continue
        in_code = False
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            in_code ^= line.lstrip().startswith("```")
            if in_code:
                continue
            for link in re.findall(r"\]\(([^)\s]+)\)", line):
                target = link.split("#")[0]
                if not target or re.match(r"[a-z]+:", target):
                    continue
                if not tree.exists(os.path.normpath(os.path.join(os.path.dirname(path), target))):
                    yield path, number, f"the link to {link} leads nowhere"


def check_settings(tree):
    """A setting that nothing outside broker/config reads does nothing: an operator is lied to."""
    header = "broker/config/settings.h"
    if header not in tree.files:
        return
    text = tree.text(header)
    begin = text.index("struct Settings {")
    used = "\n".join(blanked(tree.text(path)) for path in tree.code("broker")
                     if not path.startswith("broker/config/"))
    member = re.compile(r"^  [\w:<>,* ]+ (\w+)(?: = .*|\{.*)?;")
    for number, line in enumerate(text[begin:text.index("\n};", begin)].splitlines(),
                                  text[:begin].count("\n") + 1):
        found = member.match(line)
        if found and not re.search(rf"\bsettings_?\.{found[1]}\b", used):
            yield header, number, f"{found[1]} is read nowhere outside broker/config"


RULES = {
    "includes": check_includes, "sizes": check_sizes, "functions": check_functions,
    "banned": check_banned, "unordered": check_unordered, "unfinished": check_unfinished,
    "headers": check_headers, "unit-mirror": check_unit_mirror, "doc-links": check_doc_links,
    "settings": check_settings,
}


def check_format(tree):
    program = shutil.which("clang-format-19")
    if not program:
        yield "clang-format-19", 0, "is missing: tests/run tidy installs it"
        return
    done = subprocess.run([program, "--dry-run", "-Werror", *tree.code()], cwd=tree.root,
                          capture_output=True, text=True, check=False)
    for path, line in sorted(set(re.findall(r"^(\S+?):(\d+):\d+: error:", done.stderr, re.M))):
        yield path, int(line), "not as clang-format-19 lays it out: clang-format-19 -i " + path


def problems_of(root, rules):
    tree = Tree(root)
    return [f"{path}:{line}: {text} [{name}]" for name, rule in rules.items()
            for path, line, text in rule(tree)]


def main():
    parser = argparse.ArgumentParser()
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("root", nargs="?", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--rule", choices=RULES)
    parser.add_argument("--format", action="store_true")
    options = parser.parse_args()
    rules = {"format": check_format} if options.format else RULES
    if options.rule:
        rules = {options.rule: RULES[options.rule]}
    problems = problems_of(os.path.abspath(options.root), rules)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems" if problems else "tidy")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
