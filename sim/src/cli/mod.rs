//! The command line.

mod broke;
mod drawn;
mod everywhere;
mod explain;
mod explore;
mod field;
mod field_table;
mod fuzz;
mod interrupt;
mod load;
mod look;
mod mutants;
mod near;
mod page;
mod races;
mod run;
mod waiting;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use sametick_core::run::Shape;
use sametick_core::schedule::tzdb_version;
use sametick_sim::Subject;

/// Runs scenarios against the core and shows what breaks.
///
/// Without a command it runs every shipped scenario. Exit codes: 0 everything holds, 1 a check
/// failed, 2 bad use or bad input.
#[derive(Debug, Parser)]
#[command(name = "sametick", version = version(), args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs scenarios over their seeds and says which hold
    Run(run::Args),
    /// Draws plans from seeds, runs their worlds, and makes what breaks small
    Fuzz(fuzz::Args),
    /// Goes through every order and distance of what meets in a scenario, and every fault at every tick
    Explore(explore::Args),
    /// Tells one world, tick by tick, or what is untrue in a real state directory
    Explain(explain::Args),
    /// Shows which check catches which bug; fails on a bug that survives and on an idle check
    Mutants(mutants::Args),
    /// Writes completions for a shell to stdout
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Its own version, and that of the database its due times come from.
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (time zones {})", env!("CARGO_PKG_VERSION"), tzdb_version()));
    &VERSION
}

/// Which machine is put under test.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Machine {
    /// How terminal events are published
    #[arg(long, value_enum, default_value_t = ShapeName::Emit)]
    shape: ShapeName,
    /// Tests something broken on purpose instead of the core; `sametick mutants` lists them
    #[arg(long, value_name = "NAME", value_parser = mutant_name, conflicts_with = "shape")]
    mutant: Option<&'static sametick_sim::Mutant>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShapeName {
    /// By the deadline itself
    Emit,
    /// By result handling, from a structured result
    Synthesize,
}

impl Machine {
    fn subject(self) -> Subject {
        match (self.mutant, self.shape) {
            (Some(mutant), _) => Subject::Mutant(mutant),
            (None, ShapeName::Emit) => Subject::Core(Shape::Emit),
            (None, ShapeName::Synthesize) => Subject::Core(Shape::Synthesize),
        }
    }
}

fn mutant_name(name: &str) -> Result<&'static sametick_sim::Mutant, String> {
    sametick_sim::machines::mutant(name).ok_or_else(|| {
        let known = sametick_sim::MUTANTS.iter().map(|mutant| mutant.name);
        let near = near::told(name, known).map_or(String::new(), |near| format!("{near} "));
        format!("no mutant has this name; {near}`sametick mutants` tries all there are and names them")
    })
}

/// Why a command stops before it has a verdict.
#[derive(Debug)]
enum Stop {
    /// The user has to change something.
    BadInput(String),
    /// Whoever reads the output has gone: nothing to say any more.
    ReaderGone,
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::BadInput(format!("could not write the output: {error}"))
        }
    }
}

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let verdict = match cli.command {
        None => run::main(&cli.run),
        Some(Command::Run(args)) => run::main(&args),
        Some(Command::Fuzz(args)) => fuzz::main(&args),
        Some(Command::Explore(args)) => explore::main(&args),
        Some(Command::Explain(args)) => explain::main(&args),
        Some(Command::Mutants(args)) => mutants::main(&args),
        Some(Command::Completions { shell }) => completions(shell),
    };
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Stop::BadInput(message)) => {
            look::complain(&message);
            ExitCode::from(2)
        }
        Err(Stop::ReaderGone) => ExitCode::from(2),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<bool, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sametick", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(true)
}
