//! Random bytes from getrandom(2), or from /dev/urandom where the kernel has no such call.
//!
//! The call came with Linux 3.17; CentOS 6 has 2.6.32. For salts and nonces, not for keys that stay
//! secret for years.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

const DEVICE: &str = "/dev/urandom";

/// Fills a buffer with random bytes.
///
/// # Errors
///
/// Fails where neither the call nor the device works.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    fill_with(|bytes| getrandom(bytes, GetRandomFlags::empty()), Path::new(DEVICE), bytes)
}

fn fill_with(
    call: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    device: &Path,
    bytes: &mut [u8],
) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match call(&mut bytes[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => filled += more,
            Err(Errno::INTR) => {}
            // EPERM and EINVAL are what filters of containers say of calls they do not know.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                return fill_from_device(device, bytes);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn fill_from_device(device: &Path, bytes: &mut [u8]) -> io::Result<()> {
    let failed =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", device.display()));
    let mut file = File::open(device).map_err(failed)?;
    if !file.metadata().map_err(failed)?.file_type().is_char_device() {
        return Err(failed(io::Error::other("it is not a device")));
    }
    file.read_exact(bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_the_call_has_the_device() {
        for missing in [Errno::NOSYS, Errno::PERM, Errno::INVAL] {
            let (mut one, mut two) = ([0; 32], [0; 32]);
            fill_with(|_| Err(missing), Path::new(DEVICE), &mut one).unwrap();
            fill_with(|_| Err(missing), Path::new(DEVICE), &mut two).unwrap();
            assert_ne!(one, two);
            assert_ne!(one, [0; 32]);
        }
        let (mut one, mut two) = ([0; 300], [0; 300]);
        fill(&mut one).unwrap();
        fill(&mut two).unwrap();
        assert_ne!(one, two);
    }

    #[test]
    fn without_either_there_is_none() {
        let missing = |_: &mut [u8]| Err(Errno::NOSYS);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 64]).unwrap();
        for device in [Path::new("/nonexistent/urandom"), file.path(), Path::new("/dev/null")] {
            assert!(fill_with(missing, device, &mut [0; 16]).is_err(), "{}", device.display());
        }
        assert!(fill_with(|_| Err(Errno::IO), Path::new(DEVICE), &mut [0; 16]).is_err());
    }

    #[test]
    fn what_comes_in_pieces_is_put_together() {
        let mut bytes = [0; 10];
        let call = |buffer: &mut [u8]| {
            let len = buffer.len().min(3);
            buffer[..len].fill(9);
            Ok(len)
        };
        fill_with(call, Path::new("/nonexistent"), &mut bytes).unwrap();
        assert_eq!(bytes, [9; 10]);
    }
}
