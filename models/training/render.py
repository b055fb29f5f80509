"""Renders tracker modules, MIDI files and LMMS projects: mixes that nobody mastered and that were never coded, but for samples of LMMS'.

Needs openmpt123, fluidsynth with fluid-soundfont-gm, lmms and ffmpeg. Modules and MIDI files come out the same each time;
LMMS projects don't (-30 dB from one render to the next).
"""
import os, resource, subprocess, tempfile
from pathlib import Path

SONG_S = 240  # as much as songs.rs reads
RATE_HZ = 48_000
LMMS_TRIES = 5  # it crashes now and then
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
MODULES, AMIGA, MIDI, PROJECTS = (".it", ".s3m", ".xm"), (".mod",), (".mid",), (".mmpz",)
SOURCES = MODULES + AMIGA + MIDI + PROJECTS


def no_larger_than_a_song():
    """Some MIDI files leave notes on, and fluidsynth waits for their end for ever."""
    size = SONG_S * RATE_HZ * 2 * 4
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def module(source, folder):
    # Amiga hardware has two voices left and two right; players bring them nearer.
    separation = "50" if source.suffix.lower() in AMIGA else "100"
    run(["openmpt123", "--batch", "-q", "--samplerate", str(RATE_HZ), "--stereo", separation, "--end-time", str(SONG_S),
         "--output", str(folder / "song.wav"), "--", str(source)], check=True)
    return ["-i", str(folder / "song.wav")]


def midi(source, folder):
    run(["fluidsynth", "-ni", "-q", "-T", "raw", "-O", "float", "-E", "little", "-r", str(RATE_HZ), "-F", str(folder / "song.f32"),
         SOUNDFONT, str(source)], preexec_fn=no_larger_than_a_song)
    return ["-f", "f32le", "-ar", str(RATE_HZ), "-ac", "2", "-i", str(folder / "song.f32")]


def project(source, folder):
    command = ["lmms", "--allowroot", "render", str(source), "-f", "wav", "-a", "-x", "1", "-s", str(RATE_HZ), "-o", str(folder / "song.wav")]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder)}
    for _ in range(LMMS_TRIES):
        if run(command, env=environment).returncode == 0:
            return ["-i", str(folder / "song.wav")]
    raise RuntimeError(f"lmms can't render {source}")


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def render(source):
    """Renders one source to FLAC beside it; a song that is there already is kept."""
    song = source.with_name(source.name + ".flac")
    if song.exists():
        return
    kind = source.suffix.lower()
    by = module if kind in MODULES + AMIGA else midi if kind in MIDI else project
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        kept = Path(folder) / "kept.flac"
        # 12 dB lower, so that nothing clips.
        command = ["ffmpeg", "-v", "error", "-nostdin", *by(source, Path(folder)), "-t", str(SONG_S), "-af", "volume=-12dB",
                   "-c:a", "flac", "-sample_fmt", "s32", str(kept)]
        subprocess.run(command, check=True)
        kept.rename(song)
