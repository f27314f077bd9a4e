"""deploy/install-packages against an apt of the test's own: no server is started by installing."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FAKES = {
    "dpkg-query": "exit 1",
    "apt-cache": "echo found",
    "sudo": 'exec "$@"',
    "apt-get": '[ "$1" = update ] && exit 0\n'
               'echo "$@" >>"$DIR/installed"\n'
               'cp "$WARREN_POLICY_RC_D" "$DIR/policy-then" 2>/dev/null\n'
               'exit "${APT_RESULT:-0}"',
}


class InstallPackages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        for name, text in FAKES.items():
            fake = self.path / name
            fake.write_text(f"#!/bin/sh\n{text}\n")
            fake.chmod(0o755)
        (self.path / "list.txt").write_text("# why\nsome-server\n")
        self.policy = self.path / "policy-rc.d"

    def tearDown(self):
        self.folder.cleanup()

    def run_it(self, **environment):
        environment = os.environ | environment | {
            "PATH": f"{self.path}:{os.environ['PATH']}", "DIR": str(self.path),
            "WARREN_POLICY_RC_D": str(self.policy)}
        return subprocess.run([ROOT / "deploy/install-packages", self.path / "list.txt"],
                              env=environment, capture_output=True, text=True, check=False)

    def test_starting_servers_is_forbidden_while_installing_and_not_after(self):
        done = self.run_it()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("some-server", (self.path / "installed").read_text())
        self.assertIn("exit 101", (self.path / "policy-then").read_text())
        self.assertFalse(self.policy.exists())

    def test_a_failing_installation_leaves_no_policy_behind(self):
        done = self.run_it(APT_RESULT="100")
        self.assertEqual(done.returncode, 1)
        self.assertTrue((self.path / "policy-then").exists())
        self.assertFalse(self.policy.exists())

    def test_a_policy_that_is_there_already_stays(self):
        self.policy.write_text("#!/bin/sh\nexit 0\n")
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual((self.path / "policy-then").read_text(), "#!/bin/sh\nexit 0\n")
        self.assertTrue(self.policy.exists())


if __name__ == "__main__":
    unittest.main()
