//! Prints the kernel's table as `ipvsadm -Sn` does.

use ipvs::{Client, ClientError};

fn main() -> Result<(), ClientError> {
    let dumped = Client::connect()?.dump()?;
    print!("{}", dumped.table());
    if dumped.unreadable > 0 {
        eprintln!("{} entries are of a kind not known here", dumped.unreadable);
    }
    Ok(())
}
