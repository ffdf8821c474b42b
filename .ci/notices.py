"""NOTICES: the licences of what Callreel's binaries hold besides Callreel, with the texts
that must go along with them.

    notices.py            writes NOTICES
    notices.py --check    says whether it is as this would write it
"""
import pathlib
import re
import sys

from crates import ROOT, TARGETS, Crates

NOTICES = ROOT / "NOTICES"
HEAD = f"""Callreel's binaries hold the crates below besides Callreel itself (LICENSE-MIT, LICENSE-APACHE), and Rust's
standard library (MIT OR Apache-2.0). After the list stand the texts that their authors put beside them, each with
the crates that it came with. Where MIT is one of several licences to choose from, it is chosen, and the others' texts
are left out. Of builds with all features for {" and ".join(TARGETS)}.
Made by .ci/notices.py from Cargo.lock; CI compares.
"""
FILE = re.compile(r"(licen[sc]e|unlicense|copying|copyright|notice|authors)([-_.].*)?", re.I)
OTHERS = re.compile(r"apache|unlicense|boost|zlib|0bsd|lgpl", re.I)
TEXTLESS = """These came without a text. Their manifests name the licences in the list above, whose texts stand below, and these
authors:
"""
RULE = "-" * 100 + "\n"


def texts(package):
    """What stands beside the crate, and beside the sources of others that it carries."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.rglob("*")):
        if chooses_mit(package, folder) and OTHERS.search(path.name):
            continue
        inside = path.relative_to(folder).parts
        carried = len(inside) == 1 or package["name"].endswith("-sys")
        if carried and "tests" not in inside and path.is_file() and FILE.fullmatch(path.name):
            yield one_form(path.read_text(encoding="utf-8", errors="replace"))


def chooses_mit(package, folder):
    alternatives = re.split(r" OR |/", package["license"] or "")
    return len(alternatives) > 1 and "MIT" in alternatives and any(folder.glob("LICEN[CS]E*MIT*"))


def one_form(text):
    """Lines as they are, whatever ends them, so that equal texts are equal."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def notices():
    crates = Crates("--all-features")
    listed, of_text, textless = [], {}, []
    for package in crates.sorted(crates.linked):
        name = f'{package["name"]} {package["version"]}'
        listed.append(f'{name}: {package["license"]}\n')
        found = dict.fromkeys(texts(package))
        for text in found:
            # Texts whose words are the same are one, however their lines are broken.
            _, names = of_text.setdefault(" ".join(text.split()), (text, []))
            names.append(name)
        if not found:
            textless.append(f'{name}: {", ".join(package["authors"]) or "none named"}\n')
    parts = [HEAD, "\n", *listed, "\n", TEXTLESS, *textless]
    for text, names in sorted(of_text.values(), key=lambda item: (item[1], item[0])):
        parts += ["\n", RULE, "Of " + ", ".join(names) + ":\n\n", text]
    return "".join(parts)


def main(arguments):
    made = notices()
    if arguments == ["--check"]:
        if not NOTICES.exists() or NOTICES.read_text(encoding="utf-8") != made:
            sys.exit("NOTICES does not fit Cargo.lock: python3 .ci/notices.py makes it anew")
        return
    NOTICES.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
