//! The matrix: what is done to a file, by what the file is to the host, and the level that this asks for.

use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

use super::lists::Levels;

use RiskLevel::{Forbidden, High, Low, Medium, ReadOnly};

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileVerb {
    /// Its content is read.
    Read,
    /// It is made or added to.
    Write,
    /// What it held is replaced.
    Overwrite,
    /// It is deleted.
    Delete,
    /// It is deleted with all that is in it.
    Tree,
    /// Its owner or mode is changed.
    Mode,
    /// The same for all that is in it.
    ModeTree,
}

impl FileVerb {
    /// The verb for a kind of effect; nothing where it is none that files have.
    pub(crate) const fn of(kind: EffectKind, recursive: bool) -> Option<Self> {
        Some(match kind {
            EffectKind::Reads => Self::Read,
            EffectKind::Writes => Self::Write,
            EffectKind::Overwrites => Self::Overwrite,
            EffectKind::Deletes => Self::Delete,
            EffectKind::DeletesTree => Self::Tree,
            EffectKind::Permissions if !recursive => Self::Mode,
            EffectKind::Permissions | EffectKind::PermissionsTree => Self::ModeTree,
            _ => return None,
        })
    }

    /// Whether it is done to all that lies below its target.
    pub(crate) const fn is_tree(self) -> bool {
        matches!(self, Self::Tree | Self::ModeTree)
    }

    /// Whether what is lost by it is lost for good.
    pub(crate) const fn loses(self) -> bool {
        matches!(self, Self::Overwrite | Self::Delete | Self::Tree)
    }
}

/// The level for a verb and a class, unless the entry of the list says another.
pub(crate) fn level(verb: FileVerb, class: TargetClass, levels: &Levels) -> RiskLevel {
    let own = match verb {
        FileVerb::Read => levels.read,
        FileVerb::Write => levels.write,
        FileVerb::Overwrite => levels.overwrite,
        FileVerb::Delete => levels.delete,
        FileVerb::Tree => levels.tree,
        FileVerb::Mode => levels.mode,
        FileVerb::ModeTree => levels.mode_tree,
    };
    own.unwrap_or_else(|| of_class(verb, class))
}

fn of_class(verb: FileVerb, class: TargetClass) -> RiskLevel {
    use TargetClass as Class;
    match (verb, class) {
        (FileVerb::Read, _) | (FileVerb::Write | FileVerb::Overwrite, Class::Sink) => ReadOnly,
        (_, Class::Scratch) => Low,
        (_, Class::Whole) | (_, Class::Sink) => Forbidden,
        (FileVerb::Write, Class::Critical) => High,
        (FileVerb::Write, _) => Medium,
        (FileVerb::Overwrite, Class::ServiceConfig) => Medium,
        (FileVerb::Overwrite, _) => High,
        (FileVerb::Delete | FileVerb::Tree, Class::Critical) => Forbidden,
        (FileVerb::Delete, Class::Plain | Class::Data | Class::ServiceConfig) => Medium,
        (FileVerb::Delete, _) => High,
        (FileVerb::Tree, Class::System) => Forbidden,
        (FileVerb::Tree, _) => High,
        (FileVerb::Mode, Class::Plain | Class::Data | Class::ServiceConfig) => Medium,
        (FileVerb::Mode, _) => High,
        (FileVerb::ModeTree, Class::Plain | Class::Data | Class::ServiceConfig) => Medium,
        (FileVerb::ModeTree, Class::Precious) => High,
        (FileVerb::ModeTree, Class::System | Class::Critical) => Forbidden,
    }
}

/// The level of a kind of effect that has no target with a class.
pub(crate) const fn without_target(kind: EffectKind) -> RiskLevel {
    use EffectKind as Kind;
    match kind {
        Kind::Reads | Kind::Probes => ReadOnly,
        Kind::Reloads | Kind::PackageIndex | Kind::Snapshots | Kind::Unbounded => Low,
        Kind::Writes
        | Kind::Overwrites
        | Kind::Deletes
        | Kind::Permissions
        | Kind::Starts
        | Kind::Restarts
        | Kind::Enables
        | Kind::Signals
        | Kind::PackageInstalls
        | Kind::PackageRemoves
        | Kind::DatabaseWrites
        | Kind::Containers
        | Kind::Unknown => Medium,
        _ => High,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [TargetClass; 9] = [
        TargetClass::Plain,
        TargetClass::Sink,
        TargetClass::Scratch,
        TargetClass::Data,
        TargetClass::ServiceConfig,
        TargetClass::Precious,
        TargetClass::System,
        TargetClass::Critical,
        TargetClass::Whole,
    ];

    #[test]
    fn doing_it_to_all_below_is_never_milder() {
        for class in CLASSES {
            for (one, all) in [
                (FileVerb::Delete, FileVerb::Tree),
                (FileVerb::Mode, FileVerb::ModeTree),
                (FileVerb::Write, FileVerb::Overwrite),
            ] {
                assert!(
                    of_class(one, class) <= of_class(all, class),
                    "{one:?} {class:?}"
                );
            }
        }
    }

    #[test]
    fn only_scratch_may_be_changed_by_itself() {
        for class in CLASSES {
            for verb in [
                FileVerb::Write,
                FileVerb::Delete,
                FileVerb::Tree,
                FileVerb::Mode,
            ] {
                let level = of_class(verb, class);
                let mild = matches!(class, TargetClass::Scratch | TargetClass::Sink);
                assert!(level >= Medium || mild, "{verb:?} {class:?}");
            }
        }
    }
}
