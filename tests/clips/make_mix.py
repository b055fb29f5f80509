#!/usr/bin/env python3
"""Writes mix.mid: Edvard Grieg, "In the Hall of the Mountain King" (Peer Gynt, 1875; public domain), notes written out
by hand from memory of the theme and arranged for bass, drums, strings, brass and guitar. Arrangement dedicated to the public domain (CC0 1.0).
Usage: make_mix.py mix.mid   (needs mido)"""
import random, sys, mido
rng = random.Random(1)
BPM, TPB = 184, 480
N = dict(C=0, D=2, E=4, F=5, G=7, A=9, B=11)
def p(s):  # 'F#4' -> midi
    return N[s[0]] + (1 if '#' in s else 0) + 12 * (int(s[-1]) + 1)
# (note, eighths); phrase of 32 eighths
A = [("B3",1),("C#4",1),("D4",1),("E4",1),("F#4",1),("D4",1),("F#4",2), ("F4",1),("C#4",1),("F4",2),("E4",1),("C4",1),("E4",2),
     ("B3",1),("C#4",1),("D4",1),("E4",1),("F#4",1),("D4",1),("F#4",1),("B4",1), ("A4",1),("F#4",1),("D4",1),("F#4",1),("A4",4)]
B = [("F#4",1),("G#4",1),("A#4",1),("B4",1),("C#5",1),("A#4",1),("C#5",2), ("D5",1),("A#4",1),("D5",2),("C#5",1),("A#4",1),("C#5",2),
     ("F#4",1),("G#4",1),("A#4",1),("B4",1),("C#5",1),("A#4",1),("C#5",2), ("D5",1),("A#4",1),("D5",2),("C#5",4)]
# chords per half bar (4 eighths): root, third, fifth
Bm, F5, C5, D, Fs = ("B2","D3","F#3"), ("F2","G#2","C#3"), ("C3","E3","G3"), ("D3","F#3","A3"), ("F#2","A#2","C#3")
CA = [Bm, Bm, F5, C5, Bm, Bm, D, D]
CB = [Fs, Fs, Bm, Fs, Fs, Fs, Bm, Fs]
ev = []  # (tick, msg)
E8 = TPB // 2
def note(ch, t8, n, d8, v, gate=0.9):
    j = rng.randint(-6, 6)
    t = max(0, int(t8 * E8) + j); v = max(1, min(127, v + rng.randint(-6, 6)))
    ev.append((t, mido.Message('note_on', channel=ch, note=n, velocity=v)))
    ev.append((t + int(d8 * E8 * gate), mido.Message('note_off', channel=ch, note=n, velocity=0)))
#           ch: program, pan, volume
setup = {0: (45, 52, 105), 1: (48, 80, 84), 2: (29, 30, 62), 3: (33, 64, 104), 4: (61, 92, 70), 5: (0, 40, 80), 9: (0, 64, 100)}
for ch, (prog, pan, vol) in setup.items():
    ev.append((0, mido.Message('program_change', channel=ch, program=prog)))
    ev.append((0, mido.Message('control_change', channel=ch, control=10, value=pan)))
    ev.append((0, mido.Message('control_change', channel=ch, control=7, value=vol)))
    ev.append((0, mido.Message('control_change', channel=ch, control=91, value=30)))
plan = [(A, CA, 0), (A, CA, 1), (B, CB, 2), (A, CA, 3)]
for k, (mel, ch, lev) in enumerate(plan):
    t0 = 32 * k
    t = t0
    for s, d in mel:
        n = p(s)
        note(0, t, n, d, 70 + 8 * lev)                      # pizzicato
        if lev >= 1: note(1, t, n + 12, d, 62 + 8 * lev)    # strings, an octave up
        if lev >= 2: note(2, t, n, d, 78 + 4 * lev)         # guitar
        if lev >= 3: note(4, t, n, d, 92); note(1, t, n + 24, d, 84)
        t += d
    for h, (r, th, fi) in enumerate(ch):
        t = t0 + 4 * h
        for e in range(0, 4, 2):
            note(3, t + e, p(r) - 12 if e == 0 else p(fi) - 12, 2, 86 + 5 * lev, 0.8)     # bass in quarters
            if lev >= 1:
                for x in (r, th, fi):
                    note(5, t + e + 1, p(x) + 12, 1, 58 + 6 * lev, 0.7)                     # piano off-beats
        if lev >= 1:
            note(9, t, 36, 1, 92 + 6 * lev); note(9, t + 2, 38, 1, 82 + 8 * lev)            # kick, snare
            if lev >= 2: note(9, t + 3, 36, 1, 84)
        for e in range(4 if lev >= 2 else 0):
            note(9, t + e, 42, 1, 60 if e % 2 else 78)                                      # hats
        if lev < 2: note(9, t + 2, 42, 1, 64)
    if lev >= 1: note(9, t0, 49, 2, 88 + 4 * lev)                                           # crash
    if lev < 3:
        for e, n in ((28, 50), (29, 50), (30, 47), (31, 43)):
            if lev >= 1: note(9, t0 + e, n, 1, 84 + 6 * lev)                                # fill
end = 32 * 4
for n in ("B1", "B2"): note(3, end, p(n), 3, 110)
for n in ("B3", "D4", "F#4", "B4"): note(4, end, p(n), 3, 96); note(1, end, p(n) + 12, 3, 100); note(0, end, p(n), 2, 100)
note(2, end, p("B3"), 3, 100); note(2, end, p("F#4"), 3, 100); note(9, end, 36, 1, 115); note(9, end, 49, 2, 105)
mid = mido.MidiFile(ticks_per_beat=TPB); tr = mido.MidiTrack(); mid.tracks.append(tr)
tr.append(mido.MetaMessage('set_tempo', tempo=mido.bpm2tempo(BPM)))
last = 0
for t, m in sorted(ev, key=lambda e: e[0]):
    tr.append(m.copy(time=t - last)); last = t
for ch in setup:
    tr.append(mido.Message('control_change', channel=ch, control=123, value=0, time=TPB // 8 if ch == 0 else 0))
mid.save(sys.argv[1])
