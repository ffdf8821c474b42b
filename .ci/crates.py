"""Which crates a build of Callreel has in it: what notices.py and sbom.py tell of. `cargo
metadata` knows what a crate is, but takes in too many (features that nobody has switched
on); `cargo tree` knows which there are. Only the standard library."""
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What binaries are handed out for; the same as Lambda's two architectures.
TARGETS = ("aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu")


def cargo(*arguments):
    told = subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return told.stdout.decode()


class Crates:
    """The packages of a build with these features (as cargo takes them)."""

    def __init__(self, *features):
        metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", *features))
        self.root = metadata["resolve"]["root"]
        self.packages = {package["id"]: package for package in metadata["packages"]}
        needs = {node["id"]: node["dependencies"] for node in metadata["resolve"]["nodes"]}
        # All that it takes to build, procedural macros included, and what of it is in the binary.
        self.used = self._listed("normal,build", features)
        self.linked = self._listed("normal,no-proc-macro", features)
        self.needs = {id: [need for need in needs[id] if need in self.used] for id in self.used}

    def _listed(self, edges, features):
        listed = set()
        for target in TARGETS:
            tree = cargo("tree", "--locked", "--target", target, "--edges", edges,
                         "--prefix", "none", "--format", "{p}", *features)
            # `name vVERSION`, and a path or a mark behind it.
            listed |= {tuple(line.split()[:2]) for line in tree.splitlines() if line}
        return {id for id, package in self.packages.items()
                if (package["name"], "v" + package["version"]) in listed}

    def sorted(self, ids):
        packages = (self.packages[id] for id in ids if id != self.root)
        return sorted(packages, key=lambda package: (package["name"], package["version"]))
