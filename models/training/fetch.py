#!/usr/bin/env python3
"""Fetches the music of packages.csv, unpacks it and writes or checks the lock file.

DATA_DIR/debs holds the packages (apt-get download, Debian 12),
DATA_DIR/music/PACKAGE the unpacked audio, or what was rendered of modules, MIDI files and projects. Every package's copyright file
must say the words that packages.csv expects, and must not name a licence for non-commercial use; else nothing is fetched. data.lock beside
this script records file, SHA-256, licence and tracks. If it has a package already, the file must be the same.
"""
import argparse, csv, hashlib, json, re, shutil, subprocess, sys, tarfile, zipfile
from pathlib import Path
import render

HERE = Path(__file__).parent
AUDIO = (".ogg", ".oga", ".opus", ".mp3", ".flac", ".wav")
RENDERED = "rendered"  # the split of packages that hold no recordings but what render.py makes songs of
# Speech, ambience, sped-up copies and duplicates across packages.
LEFT_OUT = re.compile(
    r"speech|radio|_fast|farm_f|wind|/rain|day\.ogg|night|/hell|static|steamLocomotive|spaceship|Battle_Theme_1|blackmoor_tides|imminent_threat"
    r"|Through.Space|beneath_the_rabbit_hole|battle_theme|ingame_14|Apnee2|menu_enhanced|theme1_raw|Infinite|ambient2_5|EndOfAct|GameLost|StartOfGame",
    re.IGNORECASE)

# In the name of a licence, not in its text: that of the GFDL, a free one, has the word too.
NON_COMMERCIAL = re.compile(r"^License:.*(-NC\b|non-?commercial)", re.IGNORECASE | re.MULTILINE)


def music_members(deb, target, kinds):
    """Unpacks files of some kinds and the copyright file of a package, also those within its zip archives."""
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        for member in tar:
            name = member.name
            bare = "blobwars/music/" in name and "." not in Path(name).name
            wanted = name.lower().endswith(kinds + (".zip", ".pk3")) or name.endswith("/copyright") or bare
            if not (member.isfile() and wanted):
                continue
            path = target / (name.lstrip("./") + (".ogg" if bare else ""))
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as out:
                shutil.copyfileobj(tar.extractfile(member), out)
    process.wait()
    for archive in [p for p in target.rglob("*") if p.suffix in (".zip", ".pk3")]:
        with zipfile.ZipFile(archive) as z:
            for name in z.namelist():
                if name.lower().endswith(kinds) and re.search("music|cdtracks", name.lower()) and ".." not in name:
                    z.extract(name, target / archive.stem)
        archive.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA_DIR", type=Path)
    parser.add_argument("--recorded", action="store_true", help="leave out packages whose songs have to be rendered")
    arguments = parser.parse_args()
    data = arguments.data
    (data / "debs").mkdir(parents=True, exist_ok=True)
    lock_path = HERE / "data.lock"
    lock = json.loads(lock_path.read_text()) if lock_path.exists() else {}
    for row in csv.DictReader(open(HERE / "packages.csv")):
        package = row["package"]
        if arguments.recorded and row["split"] == RENDERED:
            continue
        target = data / "music" / package
        found = sorted((data / "debs").glob(f"{package}_*.deb"))
        if not found:
            subprocess.run(["apt-get", "download", "-q", package], cwd=data / "debs", check=True)
            found = sorted((data / "debs").glob(f"{package}_*.deb"))
        deb = found[-1]
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        if package in lock and lock[package]["sha256"] != digest:
            sys.exit(f"{deb.name} is not the file of data.lock; fetch that version from snapshot.debian.org into {data}/debs")
        if not (target / ".done").exists():
            shutil.rmtree(target, ignore_errors=True)
            music_members(deb, target, render.SOURCES if row["split"] == RENDERED else AUDIO)
            (target / ".done").touch()
        said = "\n".join(p.read_text(errors="replace") for p in sorted(target.rglob("copyright")))
        if not re.search(row["must_say"], said):
            sys.exit(f"{package}: its copyright file does not say {row['must_say']}; look at it before using its music")
        if NON_COMMERCIAL.search(said):
            sys.exit(f"{package}: its copyright file names a licence for non-commercial use; take it out of packages.csv")
        if row["split"] == RENDERED:
            for source in sorted(p for p in target.rglob("*") if p.suffix.lower() in render.SOURCES):
                render.render(source)
        tracks = sorted(str(p.relative_to(target)) for p in target.rglob("*")
                        if p.suffix.lower() in AUDIO and p.stat().st_size > 300_000 and not LEFT_OUT.search(str(p)))
        lock[package] = {"file": deb.name, "sha256": digest, "split": row["split"], "licence": row["licence"],
                         "copyright_sha256": hashlib.sha256(said.encode()).hexdigest(), "tracks": tracks}
        print(f"{package}: {len(tracks)} tracks, {row['licence']}, {row['split']}", flush=True)
    lock_path.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n")


main()
