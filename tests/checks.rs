//! Truths over the whole catalogue of embedded checks.

use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::check::example::run_examples;

fn embedded() -> CheckSet {
    match CheckSet::load(&Assets::embedded()) {
        Ok(set) => set,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_example_holds() {
    let departures: Vec<String> = run_examples(&embedded())
        .into_iter()
        .filter_map(|result| {
            let instead = result.instead?;
            Some(format!(
                "{}: {}: example {} is no {}, but {instead}",
                result.at,
                result.check,
                result.number,
                result.expected.word()
            ))
        })
        .collect();
    assert!(departures.is_empty(), "{departures:#?}");
}
