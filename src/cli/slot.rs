//! Makes a slot in the presence of the people who will open it: nothing is kept before they have what they need.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ledger::vault::associated::Deployment;
use ledger::vault::share::Share;
use ledger::vault::slot::{Cost, Slot};
use ledger::vault::{RootKey, VaultError};
use zeroize::Zeroizing;

use super::sheet::{self, Sheet};
use super::{Arguments, Fault, fault, hardware, say, say_error, unseal};

/// Fewest characters of a passphrase.
const SHORTEST: usize = 16;
/// Least time that one try of a passphrase takes on this machine.
const LEAST_TIME: Duration = Duration::from_secs(1);
const MOST_PASSES: u32 = 20;

/// Kinds of slots.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SlotKind {
    /// One passphrase.
    Passphrase,
    /// Shares on paper; some of the custodians together open it.
    Custodians,
    /// A key file.
    File,
    /// A duty officer's passphrase together with the key file on her token.
    Duty,
    /// A key within the hardware module that config.toml names with `pkcs11`, for the PIN of its token.
    Pkcs11,
}

/// A slot to be made.
#[derive(Args, Clone)]
pub struct NewSlot {
    /// What opens it.
    #[arg(value_enum)]
    pub kind: Option<SlotKind>,
    /// Custodians: how many of them open it together.
    #[arg(long, default_value_t = 3)]
    pub threshold: u8,
    /// Custodians: how many there are.
    #[arg(long, default_value_t = 5)]
    pub of: u8,
    /// Custodians: write one sheet for each to print into this new folder, instead of showing the shares here.
    #[arg(long)]
    pub sheets: Option<PathBuf>,
    /// File and duty: where the new key file is written, a stick or a card away from the data.
    #[arg(long)]
    pub write: Option<PathBuf>,
    /// Pkcs11: label of the token.
    #[arg(long)]
    pub token: Option<String>,
}

impl NewSlot {
    /// What would stop the slot from being made.
    pub fn check(&self) -> Result<(), Fault> {
        match self.kind.unwrap_or(SlotKind::Passphrase) {
            SlotKind::Passphrase => Ok(()),
            SlotKind::Pkcs11 => labelled(self).map(drop),
            SlotKind::Custodians => self.check_custodians(),
            SlotKind::File | SlotKind::Duty => {
                let path = written(self)?;
                if path.exists() {
                    return Err(Fault(format!("{} is there already; name a new file", path.display())));
                }
                Ok(())
            }
        }
    }

    fn check_custodians(&self) -> Result<(), Fault> {
        if self.threshold < 2 || self.threshold > self.of {
            return Err(fault(
                "choose --threshold of at least 2 and --of of at least the threshold",
            ));
        }
        match &self.sheets {
            // A share that is shown must not end in a file or a pipe.
            None if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() => Err(fault(
                "without a terminal the shares need a folder for their sheets: --sheets FOLDER",
            )),
            Some(folder) if folder.exists() => Err(Fault(format!(
                "{} is there already; name a new folder for the sheets",
                folder.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// Makes the slot and hands out what opens it.
pub fn make(arguments: &Arguments, new: &NewSlot, deployment: Deployment, root: &RootKey) -> Result<Slot, Fault> {
    match new.kind.unwrap_or(SlotKind::Passphrase) {
        SlotKind::Passphrase => {
            let passphrase = new_passphrase(arguments)?;
            Slot::passphrase(deployment, root, &passphrase, measured(deployment, root)?).map_err(fault)
        }
        SlotKind::Custodians => custodians(new, deployment, root),
        SlotKind::File => {
            let path = written(new)?;
            let (slot, text) = Slot::key_file(deployment, root).map_err(fault)?;
            create(path, text.as_bytes())?;
            say(&format!(
                "Key file written to {} (0600). Keep it away from the data folder.",
                path.display()
            ));
            Ok(slot)
        }
        SlotKind::Pkcs11 => {
            let (module, token) = (unseal::module(arguments)?, labelled(new)?);
            let pin = unseal::passphrase(arguments, "PIN of the token: ")?;
            let key = ledger::vault::random::<16>().map_err(fault)?;
            let slot = Slot::hardware(deployment, root, (token, &key), |text, associated| {
                Ok::<_, Unmade>(hardware::seal(&module, token, &pin, &key, (text, associated))?)
            });
            slot.map_err(|Unmade(fault)| fault)
        }
        SlotKind::Duty => {
            let path = written(new)?;
            let passphrase = new_passphrase(arguments)?;
            let cost = measured(deployment, root)?;
            let (slot, token) = Slot::duty(deployment, root, &passphrase, cost).map_err(fault)?;
            create(path, token.as_bytes())?;
            say(&format!(
                "Token written to {} (0600). It opens nothing without the passphrase, nor the passphrase without it.",
                path.display()
            ));
            Ok(slot)
        }
    }
}

/// Why a slot was not made.
struct Unmade(Fault);

impl From<Fault> for Unmade {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<VaultError> for Unmade {
    fn from(error: VaultError) -> Self {
        Self(fault(error))
    }
}

fn labelled(new: &NewSlot) -> Result<&str, Fault> {
    let token = new.token.as_deref();
    token.ok_or_else(|| fault("say with --token which token of the hardware module, by its label"))
}

fn written(new: &NewSlot) -> Result<&Path, Fault> {
    let path = new.write.as_deref();
    path.ok_or_else(|| fault("say with --write where the new key file goes"))
}

fn new_passphrase(arguments: &Arguments) -> Result<Zeroizing<String>, Fault> {
    let passphrase = unseal::passphrase(arguments, "New passphrase (at least 16 characters): ")?;
    if passphrase.chars().count() < SHORTEST {
        return Err(fault(
            "the passphrase needs at least 16 characters; four random words are good",
        ));
    }
    if !arguments.passphrase_stdin && unseal::passphrase(arguments, "Once more: ")? != passphrase {
        return Err(fault("the two passphrases differ; nothing was made"));
    }
    Ok(passphrase)
}

/// The cost of a passphrase on this machine: 256 MiB, and as many passes as a second takes, at least three.
fn measured(deployment: Deployment, root: &RootKey) -> Result<Cost, Fault> {
    let Cost { m_kib, t } = Cost::STANDARD;
    let start = Instant::now();
    Slot::passphrase(deployment, root, "a passphrase that is thrown away", Cost::STANDARD).map_err(fault)?;
    let took = start.elapsed().as_millis().max(1);
    let wanted = (LEAST_TIME.as_millis() * u128::from(t)).div_ceil(took);
    let passes = u32::try_from(wanted).unwrap_or(MOST_PASSES).clamp(t, MOST_PASSES);
    say(&format!(
        "One try of the passphrase takes {} MiB and {passes} passes, about {} ms here.",
        m_kib / 1024,
        took * u128::from(passes) / u128::from(t)
    ));
    Ok(Cost { m_kib, t: passes })
}

fn custodians(new: &NewSlot, deployment: Deployment, root: &RootKey) -> Result<Slot, Fault> {
    new.check_custodians()?;
    let (slot, shares) = Slot::custodians(deployment, root, new.threshold, new.of).map_err(fault)?;
    let sheet = |share| Sheet {
        share,
        threshold: new.threshold,
        of: new.of,
        slot: slot.id(),
    };
    if let Some(folder) = &new.sheets {
        let made = DirBuilder::new().mode(0o700).create(folder);
        made.map_err(|error| Fault(format!("cannot make {}: {error}; name a new folder", folder.display())))?;
        let print_all = || {
            for share in &shares {
                let name = format!("manh-khoa-{}.html", share.number());
                create(&folder.join(name), sheet::html(&sheet(share))?.as_bytes())?;
            }
            Ok::<(), Fault>(())
        };
        let printed = print_all();
        let kept = printed.and_then(|()| {
            let folder = std::fs::File::open(folder).map_err(fault)?;
            folder.sync_all().map_err(fault)
        });
        if let Err(error) = kept {
            // Half of the sheets of a slot that is not kept would look genuine.
            std::fs::remove_dir_all(folder).map_err(fault)?;
            return Err(error);
        }
        say(&format!(
            "{} sheets in {}. Print each for its custodian, then destroy the folder.",
            new.of,
            folder.display()
        ));
        return Ok(slot);
    }
    for share in &shares {
        hand_over(&slot, deployment, &sheet(share))?;
    }
    Ok(slot)
}

/// Shows one share to its custodian, has it typed again from the paper, and clears the screen; shows it again if that fails.
fn hand_over(slot: &Slot, deployment: Deployment, sheet: &Sheet<'_>) -> Result<(), Fault> {
    let number = sheet.share.number();
    loop {
        say(&format!(
            "Custodian {number} of {}: come to the screen alone and press Enter.",
            sheet.of
        ));
        enter()?;
        say(&sheet::text(sheet)?);
        say(
            "Write the seven rows down by hand, or scan the picture with a device that is yours alone. Then press Enter.",
        );
        enter()?;
        // Clear the screen and what was scrolled away.
        say("\u{1b}[2J\u{1b}[3J\u{1b}[H");
        say(&format!(
            "Custodian {number}: type your share from the paper; it is not shown. An empty first row shows it again."
        ));
        let typed = unseal::share()?
            .map(|text| Share::parse(&text))
            .transpose()
            .map_err(fault)?;
        match typed {
            Some(share) if share.number() == number && slot.takes(deployment, &share) => return Ok(()),
            Some(_) => say_error("this is not the share that was shown; it is shown once more"),
            None => {}
        }
    }
}

fn enter() -> Result<(), Fault> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map(drop).map_err(fault)
}

fn create(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = made.map_err(|error| Fault(format!("cannot write {}: {error}", path.display())))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // What is half written would only stand in the way of the next try.
        let left = std::fs::remove_file(path)
            .err()
            .map(|_| ", and half of it was left there");
        Fault(format!(
            "cannot write {}: {error}{}",
            path.display(),
            left.unwrap_or_default()
        ))
    })
}
