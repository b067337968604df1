"""Where the numbers come from."""

from dataclasses import replace

from bench.report import provenance


def facts(run):
    """Return "section: name" -> value."""
    return {f"{fact.section}: {fact.name}": fact.value for fact in provenance.facts(run)}


def test_facts_name_run_data_software_machine_and_source(make_run):
    """What could explain a difference between two runs is there."""
    found = facts(make_run(label="nightly"))

    assert "2026-01-02-120000-abcd" == found["Run: run id"]
    assert "nightly" == found["Run: label"]
    assert "0.1.0, schema 2" == found["Run: bench"]
    assert "150 ms" == found["Run: block time"]
    assert "sized by time" == found["Run: steps per process"]
    assert "cd" * 32 == found["Data: SHA-256"]
    assert "2.21.0" == found["Software: tensorflow"]
    assert "2" == found["Software: threads, intra-op"]
    assert "2" == found["Machine: cores"]
    assert "CPU" == found["Machine: device"]
    assert "ab" * 6 == found["Source: workload mnist-mlp"]


def test_values_that_differ_between_loops_name_their_loops(make_run):
    """Two frameworks may bring two versions of one package."""
    run = make_run(steps={"a": 1e-3, "b": 1e-3}, trial_fields={"a": {"versions": {"numpy": "1.26"}}})

    assert "1.26 (a); 2.4.6 (b)" == facts(run)["Software: numpy"]


def test_no_cuda_is_named_for_a_run_on_a_cpu(make_run):
    """TensorFlow says which one it was built for wherever it runs."""
    run = make_run(trial_fields={"tf-eager": {"versions": {"tensorflow": "2.21.0", "cuda": "12.5.1"}}})
    on_gpu = replace(run, trials=tuple(replace(one, cell=replace(one.cell, device="gpu")) for one in run.trials))

    assert "Software: cuda" not in facts(run)
    assert "cuda" not in " ".join(provenance.citation(run).reproduce)
    assert "12.5.1" == facts(on_gpu)["Software: cuda"]


def test_what_is_not_known_is_left_out_or_not_available(make_run):
    """No label, no end, no hash: no empty cells."""
    run = make_run(finished_rounds=1, trial_fields={"tf-eager": {"loop_sha256": None, "device_name": None}})

    found = facts(run)

    assert "Run: label" not in found
    assert "n/a" == found["Run: ended"]
    assert "Source: loop tf-eager" not in found


def test_a_fallback_and_foreign_interpreters_are_facts(make_run):
    """Silent substitutes are not silent."""
    run = make_run()
    plan = replace(run.header.plan, interpreters={"torch": "python3.12"}, steps=500)
    dataset = replace(run.header.dataset, fallback="no network")

    found = facts(replace(run, header=replace(run.header, plan=plan, dataset=dataset)))

    assert "python3.12" == found["Run: interpreter for torch"]
    assert "500" == found["Run: steps per process"]
    assert "no network" == found["Data: fallback"]


def test_the_method_names_schedule_seed_and_statistic(make_run):
    """How the numbers came about, for those who ask."""
    lines = provenance.method(make_run())

    assert lines[0] == (
        "Each loop is trained by 6 fresh processes, one per round. The loops of a round are alive together and take "
        "turns, in shuffled order (seed 7), for 10 blocks of about 150 ms."
    )
    assert "Its 95 % interval is Student's t on the logarithms of these ratios." in lines


def test_the_method_of_a_sequential_run_with_fixed_steps_says_so(make_run):
    """The text follows the plan."""
    run = make_run()
    plan = replace(run.header.plan, schedule="sequential", steps=500)

    lines = provenance.method(replace(run, header=replace(run.header, plan=plan)))

    assert "run one after the other, in shuffled order (seed 7), for 500 steps in 10 blocks." in lines[0]


def test_commands_measure_check_draw_and_compare(make_run):
    """Each can be pasted into a shell, whatever the loops are called."""
    run = make_run(steps={"tf-eager": 8e-3, 'a|b<script>&"': 1e-3})

    assert [command.line for command in provenance.commands(run)] == [
        "bench run --workload mnist-mlp --rounds 6",
        "bench verify tf-eager 'a|b<script>&\"'",
        "bench report 2026-01-02-120000-abcd",
    ]


def test_whoever_measures_again_gets_a_page_as_well(make_run):
    """Published runs were stored without one."""
    run = make_run()
    run = replace(run, header=replace(run.header, command="bench run numpy --no-report --name nightly"))

    assert "bench run numpy --name nightly" == provenance.commands(run)[0].line
    assert "command: bench run numpy --name nightly" == provenance.citation(run).reproduce[0]


def test_the_reading_aid_names_the_margin(make_run):
    """The words of the verdicts are explained with the number behind them."""
    assert "beyond a difference of 2 %." in " ".join(provenance.reading(make_run()))


def test_a_line_says_where_numbers_come_from(make_run):
    """For a picture or a table that stands alone."""
    source = provenance.source(make_run())

    assert source.startswith("loopbench 0.1.0; 2026-01-02; ")
    assert "TensorFlow 2.21.0" in source
    assert source.endswith("run 2026-01-02-120000-abcd")


def test_a_run_can_be_cited_and_measured_again(make_run):
    """Command, versions, data and the journal's hash; what BibTeX would read as a command is none."""
    found = provenance.citation(make_run(run_id="a_{run}"), sha256="12" * 32)

    assert found.text == "The loopbench authors: loopbench, version 0.1.0 (2026). Run a_{run}."
    assert r"note    = {Run a\_\{run\}}" in found.bibtex
    lines = "\n".join(found.reproduce)
    assert f"command: {make_run().header.command}" in lines
    assert "tensorflow 2.21.0" in lines
    assert f"SHA-256 {'cd' * 32}" in lines
    assert f"journal.jsonl: SHA-256 {'12' * 32}" in lines
