"""Plants each kind of violation in a small tree and sees tidy.py catch it, and nothing else."""

import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tidy  # noqa: E402

GOOD = {
    "tests/tidy/include_table.txt": "raft:\nbroker/base: | fmt\nbroker/queue: broker/base | fmt\n"
                                    "broker/runtime: broker/base | asio\n",
    "broker/base/ids.h": "// Ids. Pure.\n#pragma once\n#include <fmt/format.h>\n#include <map>\n",
    "broker/queue/queue.h": '// A queue. Pure.\n#pragma once\n#include "broker/base/ids.h"\n',
    "broker/queue/queue.cpp": '#include "broker/queue/queue.h"\n\nint depth() {\n  return 1;\n}\n',
    "tests/unit/broker/queue/queue_test.cpp": '#include "broker/queue/queue.h"\n',
    "docs/README.md": "[a map](../README.md) and [outside](https://example.org)\n",
    "README.md": "# Tree\n",
}


class Planted(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        for path, text in GOOD.items():
            self.write(path, text)

    def tearDown(self):
        shutil.rmtree(self.root)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def problems(self):
        return tidy.problems_of(self.root, tidy.RULES)

    def caught(self, rule, path, text, where=None):
        """Planting `text` at `path` gives problems of this one rule only."""
        self.write(path, text)
        found = self.problems()
        self.assertTrue(found, f"{rule}: not caught")
        for problem in found:
            self.assertIn(f"[{rule}]", problem)
        if where:
            self.assertIn(where, found[0])
        self.write(path, GOOD[path]) if path in GOOD else os.remove(os.path.join(self.root, path))

    def in_core(self, rule, line, where=None):
        self.caught(rule, "broker/queue/queue.cpp", GOOD["broker/queue/queue.cpp"] + line + "\n",
                    where)

    def test_a_good_tree_is_tidy(self):
        self.assertEqual(self.problems(), [])

    def test_includes(self):
        for line in ('#include "broker/runtime/reactor.h"', "#include <boost/asio/post.hpp>",
                     "#include <rocksdb/db.h>", "#include <unistd.h>", "#include <new/library.h>"):
            self.in_core("includes", line, "broker/queue/queue.cpp:6:")
        self.caught("includes", "tests/tidy/include_table.txt",
                    GOOD["tests/tidy/include_table.txt"].replace(
                        "broker/base: |", "broker/base: broker/queue |"))

    def test_sizes(self):
        self.in_core("sizes", "// x\n" * 500)
        self.in_core("sizes", "// " + "x" * 98, "broker/queue/queue.cpp:6:")
        self.caught("sizes", "broker/queue/queue.h", GOOD["broker/queue/queue.h"] + "\n" * 200)

    def test_functions(self):
        self.in_core("functions", "void long_one(int a,\n              int b) {\n" +
                     "  f();\n" * 70 + "}", "broker/queue/queue.cpp:6: a function of 73 lines")
        self.in_core("functions", "class A {\n  void f() const {\n" + "    f();\n" * 70 + "  }\n};")
        self.write("broker/queue/queue.cpp", GOOD["broker/queue/queue.cpp"] + "namespace a {\n" +
                   "int f() {\n  return 0;\n}\n" * 30 + "}  // namespace a\n")
        self.assertEqual(self.problems(), [])

    def test_banned_words(self):
        for line in ("auto t = std::chrono::steady_clock::now();", "int r = rand();",
                     "spdlog::info(0);", "log_info(0);", "boost::asio::io_context io;",
                     "std::thread t;", "std::mutex m;", "std::atomic<int> a;", "double d;",
                     "thread_local int n;", "void f() {\n  static int count = 0;\n}",
                     "void f() {\n  throw 1;\n}"):
            self.in_core("banned", line)
        self.in_core("banned", "void f() {\n  try {\n    g();\n  } catch (...) {\n  }\n}")
        self.write("broker/queue/queue.cpp", GOOD["broker/queue/queue.cpp"] +
                   '// no std::thread here, nor a throw\nauto s = "std::mutex rand()";\n')
        self.assertEqual(self.problems(), [])

    def test_order_of_unordered_containers(self):
        self.in_core("unordered", "std::unordered_map<int, int> seen_;\nvoid f() {\n"
                     "  for (const auto& [a, b] : seen_) g(a);\n}", "queue.cpp:8:")

    def test_unfinished_work(self):
        self.in_core("unfinished", "// TO" + "DO: later")
        self.caught("unfinished", "README.md", "FIX" + "ME\n", "README.md:1:")

    def test_headers(self):
        self.caught("headers", "broker/queue/queue.h",
                    GOOD["broker/queue/queue.h"].replace("#pragma once\n", ""))
        self.caught("headers", "broker/queue/queue.h",
                    GOOD["broker/queue/queue.h"].removeprefix("// A queue. Pure.\n"))
        self.caught("headers", "broker/queue/dead.h", "// Dead.\n#pragma once\n", "a dead file")
        self.caught("headers", "tests/unit/broker/queue/queue_test.cpp",
                    GOOD["tests/unit/broker/queue/queue_test.cpp"] + '#include "other.h"\n')

    def test_unit_mirror(self):
        self.caught("unit-mirror", "broker/base/ids.cpp", '#include "broker/base/ids.h"\n',
                    "has no tests in tests/unit/broker/base")
        self.caught("unit-mirror", "tests/unit/broker/gone/gone_test.cpp", "\n",
                    "mirrors no folder")

    def test_doc_links(self):
        self.caught("doc-links", "docs/README.md", "[gone](nowhere.md)\n", "docs/README.md:1:")


    def test_settings_that_nothing_reads(self):
        self.write("tests/tidy/include_table.txt",
                   GOOD["tests/tidy/include_table.txt"] + "broker/config: broker/base\n"
                   "broker/node: broker/config\n")
        self.write("broker/node/node.cpp", '#include "broker/config/settings.h"\n\n'
                   "int port(S settings) {\n  return settings.port;\n}\n")
        for folder in ("config", "node"):
            self.write(f"tests/unit/broker/{folder}/{folder}_test.cpp", "\n")
        header = ("// Settings. Pure.\n#pragma once\n#include <map>\nstruct Settings {\n"
                  "  int port = 1;\n%s  bool is_on() const;\n};\n")
        self.write("broker/config/settings.h", header % "")
        self.assertEqual(self.problems(), [])
        self.caught("settings", "broker/config/settings.h",
                    header % "  std::map<int, int> dead{3};\n", "settings.h:6: dead is read")


class Layout(unittest.TestCase):
    def test_catches_what_clang_format_would_change(self):
        root = tempfile.mkdtemp()
        try:
            for path, text in ((".clang-format", "BasedOnStyle: Google\n"),
                               ("raft/a.cpp", "int  a ( ) ;\n"), ("raft/b.cpp", "int b();\n")):
                os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            found = tidy.problems_of(root, {"format": tidy.check_format})
            self.assertTrue(found and all("raft/a.cpp:1:" in problem for problem in found), found)
        finally:
            shutil.rmtree(root)


if __name__ == "__main__":
    unittest.main()
