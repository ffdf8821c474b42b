"""The bill of materials of each binary, CycloneDX 1.6 in JSON: what it was built from, with the
hashes of Cargo.lock, and what needs what. It is checked against CycloneDX's own schema.

    sbom.py FOLDER        writes FOLDER/recorder.cdx.json and FOLDER/callreel.cdx.json

Runs with the Python of .ci/tools, which has cyclonedx-python-lib.
"""
import pathlib
import sys
import tomllib

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from crates import ROOT, Crates

# As they are handed out: the function as cargo-lambda builds it, and the command line with all that it can.
BINARIES = {"recorder": ["--no-default-features", "--features", "aws"], "callreel": ["--all-features"]}


def locked():
    """The SHA-256 of each crate's archive."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock["package"]}


def component(package, crates, hashes):
    key = package["name"], package["version"]
    scope = ComponentScope.REQUIRED if package["id"] in crates.linked else ComponentScope.EXCLUDED
    return Component(
        name=package["name"],
        version=package["version"],
        type=ComponentType.LIBRARY,
        bom_ref=package["id"],
        scope=scope,
        purl=PackageURL("cargo", None, *key),
        # `/` is an older way to say OR.
        licenses=[LicenseExpression(package["license"].replace("/", " OR "))],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashes[key])],
    )


def bill(binary, features):
    crates, hashes = Crates(*features), locked()
    own = crates.packages[crates.root]
    root = Component(name=binary, version=own["version"], type=ComponentType.APPLICATION,
                     bom_ref=crates.root, licenses=[LicenseExpression(own["license"])])
    bom = Bom()
    bom.metadata.component = root
    components = {crates.root: root}
    for package in crates.sorted(crates.used):
        made = component(package, crates, hashes)
        components[package["id"]] = made
        bom.components.add(made)
    for needing, needed in crates.needs.items():
        bom.register_dependency(components[needing], [components[need] for need in needed])
    return bom


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for binary, features in BINARIES.items():
        bom = bill(binary, features)
        json = JsonV1Dot6(bom).output_as_string(indent=1)
        wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json)
        assert wrong is None, wrong
        path = folder / f"{binary}.cdx.json"
        path.write_text(json)
        print(f"{path}: {len(bom.components)} components")


if __name__ == "__main__":
    main(sys.argv[1])
