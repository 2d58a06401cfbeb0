use sametick_sim::*;
use sametick_core::*;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let s = match Scenario::parse(&path, &text) { Ok(s) => s, Err(e) => { println!("{}", e.render(false)); return } };
    let mut w = World::new(&s, StandardGateway::new(s.config, run::Shape::Emit));
    let n: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    #[allow(clippy::disallowed_methods)]
    let t = std::time::Instant::now();
    let mut ticks = 0; let mut ev=0; let mut dg = 0u64;
    for seed in 0..n { let v = w.run(seed); ticks += v.ticks; ev += v.events; dg ^= v.digest.rotate_left((seed%64) as u32);
        if !v.failures.is_empty() { println!("seed {seed} {:?}", v.failures); break; } }
    println!("{n} worlds {ticks} ticks {ev} events {:?} {:.0}/s  {dg:x}", t.elapsed(), n as f64 / t.elapsed().as_secs_f64());
    if n == 1 { let (_, b) = w.record(0); for x in b { println!("{x:?}"); } }
}
