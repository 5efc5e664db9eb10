//! What it costs to find out what hostile files ask for: counted in looks at lines and references.

use super::Place;
use crate::settings::needed;
use crate::settings::secret::NoSecrets;
use crate::settings::taken_in::work;
use crate::settings::trust_claims::{Agreement, readings};
use crate::settings::workspace::Flags;

type Files = Vec<(String, String)>;

/// Many variables that take in the same, and as many lines besides.
fn one_for_all(count: usize) -> Files {
    let lines = |line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let base = format!("A=x\n{}", lines(&|n| format!("B{n}=y\n")));
    vec![
        (".env".to_owned(), base),
        (".env.local".to_owned(), lines(&|n| format!("LD_X{n}=${{A}}\n"))),
    ]
}

/// Keys of which each takes in the one before.
fn chain(count: usize) -> Files {
    let lines = |line: &dyn Fn(usize) -> String| (1..count).map(line).collect::<String>();
    let declared = lines(&|n| format!("  K{n}_TOKEN: env:X{n}\n"));
    vec![
        (".env.local".to_owned(), lines(&|n| format!("K{n}_TOKEN=${{K{}_TOKEN}}\n", n - 1))),
        ("profiles/dev.yaml".to_owned(), format!("mode: mock\nsecrets:\n{declared}")),
    ]
}

/// References to variables of which each takes in all before.
fn references(count: usize) -> Files {
    let lines = |line: &dyn Fn(usize) -> String| (1..count).map(line).collect::<String>();
    let secrets = lines(&|n| format!("  LD_X{n}: env:S{n}\n"));
    vec![
        (".env.local".to_owned(), lines(&|n| format!("S{n}=${{S{}}}\n", n - 1))),
        ("profiles/dev.yaml".to_owned(), format!("mode: mock\nsecrets:\n{secrets}")),
    ]
}

/// Profiles with a file each, all of which take in the same.
fn profiles(count: usize) -> Files {
    let files = (0..count).flat_map(|n| {
        let extends = if n > 0 { format!("extends: p{}\n", n - 1) } else { String::new() };
        let said = format!("LD_X=${{A{n}}}\nA{n}=${{A{}}}\n", n + 1);
        [(format!("profiles/p{n}.yaml"), extends), (format!(".env.p{n}"), said)]
    });
    files.collect()
}

/// Makes files of so many lines.
type Shape = fn(usize) -> Files;

#[test]
fn the_work_grows_as_the_files_do() {
    let steps = |files: Files| {
        let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (&**n, &**t)).collect();
        let place = Place::new(&files);
        let workspace = place.workspace(Flags::default());
        work::taken();
        let agreement = Agreement::of(&workspace, "dev");
        assert_ne!(agreement.claims.digest(), crate::settings::trust::Claims::default().digest());
        let pieces = agreement.pieces(&workspace, "LD_X1", None);
        assert!(pieces.len() <= 9, "{pieces:?}");
        work::taken()
    };
    let shapes: [(&str, Shape); 4] = [
        ("one for all", one_for_all),
        ("chain", chain),
        ("references", references),
        ("profiles", profiles),
    ];
    for (name, shape) in shapes {
        let (few, many) = (steps(shape(60)), steps(shape(240)));
        assert!(few > 60, "{name}: only {few} steps are counted");
        assert!(many < few * 5, "{name}: {few} steps for 60 lines, {many} for 240");
    }
}

#[test]
fn what_the_profiles_need_takes_one_reading_of_the_root() {
    let files: Files = (0..6)
        .map(|n| {
            let secrets = format!("mode: mock\nsecrets:\n  OPENAI_API_KEY: env:OTHER{n}\n");
            (format!("profiles/p{n}.yaml"), secrets)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (&**n, &**t)).collect();
    let place = Place::new(&files);
    let workspace = place.workspace(Flags::default());
    let profiles = workspace.profile_names();
    assert!(profiles.len() > 6, "{profiles:?}");
    let mut read = None;
    let before = readings();
    for profile in &profiles {
        assert!(needed(&workspace, profile, "OPENAI_API_KEY", &NoSecrets, &mut read).is_some());
    }
    assert_eq!(readings() - before, 1);
}
