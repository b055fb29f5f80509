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
RAW = ["-f", "f32le", "-ar", str(RATE_HZ), "-ac", "2"]


def no_larger_than_a_song():
    """Some MIDI files leave notes on, and fluidsynth waits for their end for ever."""
    size = SONG_S * RATE_HZ * 2 * 4
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def render(source):
    """Renders one source to FLAC beside it and returns that path; a song that is there already is kept."""
    song = source.with_name(source.name + ".flac")
    if song.exists():
        return song
    kind = source.suffix.lower()
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        raw, wav = Path(folder) / "song.f32", Path(folder) / "song.wav"
        if kind in MODULES + AMIGA:
            # Amiga hardware has two voices left and two right; players bring them nearer.
            separation = "50" if kind in AMIGA else "100"
            command = ["openmpt123", "--batch", "-q", "--samplerate", str(RATE_HZ), "--stereo", separation, "--end-time", str(SONG_S),
                       "--output", str(wav), "--", str(source)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elif kind in MIDI:
            command = ["fluidsynth", "-ni", "-q", "-T", "raw", "-O", "float", "-E", "little", "-r", str(RATE_HZ), "-F", str(raw),
                       SOUNDFONT, str(source)]
            subprocess.run(command, preexec_fn=no_larger_than_a_song, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        else:
            command = ["lmms", "--allowroot", "render", str(source), "-f", "wav", "-a", "-x", "1", "-s", str(RATE_HZ), "-o", str(wav)]
            environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "HOME": folder}
            for _ in range(LMMS_TRIES):
                if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                    break
        took = ["-i", str(wav)] if wav.exists() else [*RAW, "-i", str(raw)]
        # 12 dB lower, so that nothing clips.
        kept = ["-t", str(SONG_S), "-af", "volume=-12dB", "-c:a", "flac", "-sample_fmt", "s32", str(Path(folder) / "song.flac")]
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *took, *kept], check=True)
        (Path(folder) / "song.flac").rename(song)
    return song
