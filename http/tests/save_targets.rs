//! What a download or a cookie jar is saved to: new files, files that exist, and what only looks like one.

mod server;

use curio_http::{CookieJar, Error, ErrorKind, Response, Url};
use server::{ClientSession, Reply, Server};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that is removed with everything in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("curio-save-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> usize {
        fs::read_dir(&self.0).expect("the folder").count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The two things that are saved to files, by the same rules.
type Way = fn(&Path) -> Result<(), Error>;
const WAYS: [Way; 2] = [download, save];

fn download(path: &Path) -> Result<(), Error> {
    with_response(async |response: &mut Response| response.download(path).await.map(drop))
}

fn save(path: &Path) -> Result<(), Error> {
    let jar = CookieJar::new();
    jar.set(&Url::parse("http://h.example/")?, "name", "value")?;
    curio::run(jar.save(path)).map(drop)
}

fn with_response<T>(read: impl AsyncFnOnce(&mut Response) -> T) -> T {
    let server = Server::answering(|_| Reply::ok("a new value"));
    curio::run(async {
        let mut response = ClientSession::new().get(server.url("/")).await.expect("an answer");
        read(&mut response).await
    })
}

fn is_saved(path: &Path) -> bool {
    fs::read_to_string(path).expect("the file").contains("value")
}

#[test]
fn a_name_may_be_as_long_as_the_file_system_allows() {
    let folder = Folder::new("long");
    for way in WAYS {
        let path = folder.file(&"n".repeat(255));
        way(&path).expect("a name of 255 bytes");
        assert!(is_saved(&path));
        fs::remove_file(path).expect("the file");
    }
    assert_eq!(folder.names(), 0);
}

#[test]
fn a_directory_is_an_error_before_anything_is_read() {
    let folder = Folder::new("directory");
    for path in [folder.0.clone(), folder.file("missing/").join(""), folder.file("..")] {
        for way in WAYS {
            let error = way(&path).expect_err("no file");
            assert!(error.kind() == ErrorKind::Io, "{error}");
            assert!(error.to_string().contains(&*folder.0.to_string_lossy()), "{error}");
        }
        with_response(async |response: &mut Response| {
            response.download(&path).await.expect_err("no file");
            assert_eq!(response.text().await.expect("nothing was read"), "a new value");
        });
    }
    assert_eq!(folder.names(), 0);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::process::Command;

    /// curl -o, wget and Python's open() write into a FIFO, too.
    #[test]
    fn a_fifo_is_written_to_and_stays() {
        let folder = Folder::new("fifo");
        let path = folder.file("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        for way in WAYS {
            let from = path.clone();
            let reader = std::thread::spawn(move || fs::read_to_string(from));
            way(&path).expect("a reader is there");
            let is_fifo = fs::symlink_metadata(&path).expect("still there").file_type().is_fifo();
            if !is_fifo {
                // Lets the reader of the FIFO that was replaced hang, and the test fail.
                panic!("the FIFO was replaced by a file");
            }
            assert!(reader.join().expect("no panic").expect("a text").contains("value"));
        }
        assert_eq!(folder.names(), 1);
    }

    /// A device like this one in a folder of our own; or the real one, if it is safe from a fault that replaces it. `None` if
    /// the first cannot be had and the second is not true.
    fn device(folder: &Folder, like: &str) -> Option<PathBuf> {
        let (path, real) = (folder.file("device"), PathBuf::from(like));
        let numbers = fs::metadata(&real).expect("a device").rdev();
        let (major, minor) = (numbers >> 8 & 0xfff, numbers & 0xff);
        let made =
            Command::new("mknod").arg(&path).args(["c", &major.to_string(), &minor.to_string()]).output();
        if made.is_ok_and(|made| made.status.success()) && fs::File::options().write(true).open(&path).is_ok()
        {
            return Some(path);
        }
        let probe = real.with_file_name(format!("curio-probe-{}", std::process::id()));
        let may_be_replaced = fs::File::create_new(&probe).is_ok();
        let _ = fs::remove_file(probe);
        (!may_be_replaced).then_some(real)
    }

    #[test]
    fn a_device_is_written_to_and_stays() {
        let folder = Folder::new("device");
        let Some(path) = device(&folder, "/dev/null") else { return };
        for way in WAYS {
            way(&path).expect("it takes everything");
            assert!(fs::symlink_metadata(&path).expect("there").file_type().is_char_device());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_that_is_full_is_an_error_and_stays() {
        let folder = Folder::new("full");
        let Some(path) = device(&folder, "/dev/full") else { return };
        for way in WAYS {
            let error = way(&path).expect_err("no space");
            assert!(error.kind() == ErrorKind::Io, "{error}");
            assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
            assert!(fs::symlink_metadata(&path).expect("there").file_type().is_char_device());
        }
    }

    #[test]
    fn a_symbolic_link_is_followed_and_stays() {
        let folder = Folder::new("symlink");
        fs::create_dir(folder.file("below")).expect("a folder");
        let (file, link) = (folder.file("below/file"), folder.file("link"));
        symlink("below/file", &link).expect("a link");
        for way in WAYS {
            // To a file that is not there yet, and to one that is.
            for _ in 0..2 {
                way(&link).expect("a file behind the link");
                assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
                assert!(is_saved(&file));
            }
            fs::remove_file(&file).expect("the file");
        }
        assert_eq!(folder.names(), 2);
    }

    #[test]
    fn links_that_lead_in_a_circle_are_an_error() {
        let folder = Folder::new("circle");
        symlink("b", folder.file("a")).expect("a link");
        symlink("a", folder.file("b")).expect("a link");
        for way in WAYS {
            assert_eq!(way(&folder.file("a")).expect_err("no end").kind(), ErrorKind::Io);
        }
        assert_eq!(folder.names(), 2);
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_mode() {
        let folder = Folder::new("mode");
        let path = folder.file("file");
        for way in WAYS {
            for mode in [0o600, 0o640, 0o755] {
                fs::write(&path, "old").expect("a file");
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
                way(&path).expect("a file");
                assert!(is_saved(&path));
                assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o7777, mode);
            }
        }
    }

    #[test]
    fn another_hard_link_keeps_what_it_had() {
        let folder = Folder::new("hard");
        let (path, other) = (folder.file("file"), folder.file("other"));
        for way in WAYS {
            fs::write(&path, "old").expect("a file");
            fs::hard_link(&path, &other).expect("a link");
            way(&path).expect("a file");
            assert!(is_saved(&path));
            assert_eq!(fs::read_to_string(&other).expect("the other name"), "old");
            fs::remove_file(&other).expect("the other name");
        }
    }
}
