//! Ctrl-C leaves nothing behind. Alone in its process, because it ends all writing there.

use std::io::Write;

use halfspeed::io::{OutputFile, remove_unfinished};

#[test]
fn unfinished_outputs_go_away_and_none_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.wav");
    OutputFile::create(&kept).unwrap().commit(false).unwrap();
    let mut file = OutputFile::create(&folder.path().join("half.wav")).unwrap();
    file.write_all(b"half of it").unwrap();

    std::thread::spawn(remove_unfinished).join().unwrap();

    let left = || std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(left(), [kept.as_path()]);
    // The working thread may go on for a moment; nothing it does brings a file back.
    file.write_all(b"and more").unwrap();
    assert!(file.commit(true).is_err());
    assert!(OutputFile::create(&folder.path().join("late.wav")).is_err());
    assert_eq!(left(), [kept]);
}
