"""Inputs made after what was met in the field (../shared/field): each through the command line, and what is right.

    check_field.py FIELD CALLREEL
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

# Status and reasons that are right, where more than one is the first that stands; None: any that is not complete.
RIGHT = {
    "aggregated_record": "complete",
    "authorised_side_was_never_streamed": None,
    "capture_resumed_in_one_file": "whole or told",
    "clock_steps_back": "complete",
    "lone_surrogate_in_attribute": "complete",
    "many_unknown_elements_in_a_row": "complete",
    "next_contact_inside_the_range": "complete",
    "record_sent_again_with_later_stop": "complete",
    "two_ids_of_one_call_in_a_fragment": "complete",
}
# 01 to 06 say another format; 07 is what Connect writes.
FORMATS = "track_format_contradicts"
# The second delivery goes into the first one's folder.
THEN = {("record_sent_again_with_later_stop", "02"), ("record_sent_again_with_later_stop", "04")}


def audio(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1), path
        return file.readframes(file.getnframes()).rstrip(b"\0")


def check(folder, number, case, out, run):
    verdicts = [json.loads(path.read_text()) for path in pathlib.Path(out).rglob("*_verdict.json")]
    statuses = [verdict["status"] for verdict in verdicts]
    files = sorted(pathlib.Path(out).rglob("*_from.wav"))
    want = case / "want.from.wav"
    same = want.exists() and bool(files) and audio(files[0]) == audio(want)
    if folder == FORMATS:
        right = "complete" if number == "07" else None
    else:
        right = RIGHT[folder]
    if right == "whole or told":
        good = same or statuses == ["partial"]
    elif right is None:
        good = "complete" not in statuses and not files
    else:
        good = statuses == [right] and run.returncode == 0 and (same or not want.exists())
    if not good:
        reasons = [verdict["reasons"] for verdict in verdicts]
        sys.exit(f"{folder}/{case.name}: {statuses} {reasons}, the audio is {'the same' if same else 'other'}\n{run.stderr}")


field, callreel = pathlib.Path(sys.argv[1]), sys.argv[2]
checked = 0
for folder in sorted(path for path in field.iterdir() if path.is_dir()):
    out = None
    for case in sorted(folder.iterdir()):
        number, kind = case.name.split("-")
        if (folder.name, number) not in THEN:
            out = tempfile.mkdtemp()
        media = [case / "event.json", "--streams", case / "streams"] if kind == "record" else [case / "m.mkv"]
        command = [callreel, kind, *map(str, media), "--out", out]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        check(folder.name, number, case, out, run)
        checked += 1
assert checked >= 30, f"only {checked} cases were found"
print(f"{checked} cases from the field came out right")
