//! The threads that long work runs on: castline's own, a few at most, none of which outlives its work.
//!
//! Node's own pool has four, which files and names are read on, too; and a worker thread of Node's that is ended waits for
//! what runs there.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use castline::Cancel;

/// Work, and what is to be done with it.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// How much is done at once. What is verified has threads of its own beneath.
const MOST: usize = 8;

#[derive(Default)]
struct Pool {
    waiting: VecDeque<Work>,
    threads: usize,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

fn pool() -> MutexGuard<'static, Option<Pool>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has `work` done: on a thread of its own, or, where there are enough, when one of these is free.
pub(crate) fn spawn(work: Work) -> io::Result<()> {
    let mut pool = pool();
    let state = pool.get_or_insert_default();
    state.waiting.push_back(work);
    if state.threads == MOST {
        return Ok(());
    }
    if let Err(reason) = thread::Builder::new().name("castline".into()).spawn(run) {
        // Where others run, one of them takes it.
        if state.threads == 0 {
            state.waiting.pop_back();
            return Err(reason);
        }
        return Ok(());
    }
    state.threads += 1;
    Ok(())
}

fn run() {
    loop {
        let mut pool = pool();
        let state = pool.get_or_insert_default();
        let Some(work) = state.waiting.pop_front() else {
            state.threads -= 1;
            return;
        };
        drop(pool);
        work();
    }
}

/// What was begun on this thread of Node's, and is stopped when it ends.
#[derive(Default)]
struct Begun {
    next: u64,
    flags: HashMap<u64, Cancel>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.flags.values().for_each(Cancel::cancel);
    }
}

thread_local! {
    static BEGUN: RefCell<Begun> = RefCell::default();
}

/// Notes that work was begun that `flag` stops.
pub(crate) fn begun(flag: &Cancel) -> u64 {
    BEGUN.with_borrow_mut(|begun| {
        begun.next += 1;
        begun.flags.insert(begun.next, flag.clone());
        begun.next
    })
}

/// Notes that it is done.
pub(crate) fn done(number: u64) {
    BEGUN.with_borrow_mut(|begun| begun.flags.remove(&number));
}
