# The commands of this house. `just ci` is what has to hold before a change is taken.

# Lists the recipes.
default:
    @just --list --unsorted

# Formats everything.
fmt:
    cargo fmt --all

# Says what is not formatted, and every warning.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Builds the documentation, as strictly as CI does.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Runs the shipped scenarios, or what is named: `just run scenarios/races --seeds 0..100000`.
run *args:
    cargo run --release --bin sametick {{ if args == "" { "" } else { "-- run " + args } }}

# Tells one world: `just explain races/late_host --seed 7`.
explain *args:
    cargo run --release --bin sametick -- explain {{ args }}

# Everything users run.
test:
    cargo test --workspace

# Which check catches which bug.
mutants:
    cargo run --release --bin sametick -- mutants

# A real process that sleeps longer than its timeout, and the files that say so.
example:
    cargo run --release -p sametick-gateway --example timeout

# Worlds a second, side by side.
bench:
    cargo bench --bench worlds

# Rewrites the transcripts of scenarios without ranges. Read the difference before you commit it.
bless *paths="scenarios":
    cargo run --release --bin sametick -- run --bless {{ paths }}

# Plans drawn from seeds: `just fuzz --for 10m`.
fuzz *args:
    cargo run --release --bin sametick -- fuzz {{ args }}

# Every order, distance and fault of one scenario: `just explore races/either_order`.
explore *args:
    cargo run --release --bin sametick -- explore {{ args }}

# Any two of timeout, completion, cancel, crash, answer, occurrence and edit, at seven distances.
races:
    cargo run --release --bin sametick -- explore --races

# A million seeds for every family. Takes minutes.
soak:
    cargo run --release --bin sametick -- run --seeds 0..1000000

# A million seeds of every family in the other shape of finalisation.
soak-synthesize:
    cargo run --release --bin sametick -- run --seeds 0..1000000 --shape synthesize

# Every due time of 110 expressions in 12 zones over ten years, against an oracle. Takes minutes.
oracle:
    cargo test --release --test schedule_oracle -- --ignored --nocapture

# What CI runs.
ci:
    .ci/run
