//! The parallel part of a verification.
//!
//! Each blob has a *lane*: a pump that reads (and decompresses) it, and a *track* per digest that is computed over
//! its stored or its decompressed bytes. A pump and each of its tracks can be at work on different cores, so that
//! one huge layer uses more than one; and a worker that finds two tracks waiting hashes both at once, which on
//! processors with SHA extensions costs little more than one. Workers take what is most useful next:
//!
//! 0. while there are fewer streams left than workers: the pump of one, since they decide how long it takes;
//! 1. two waiting tracks, hashed as a pair;
//! 2. a new lane, while there are fewer than one more than there are workers;
//! 3. the pump of the oldest lane that is not too far ahead of its hashers;
//! 4. a single waiting track.
//!
//! Memory is bounded by the number of lanes times the chunks that a pump may be ahead. Results go by the index of
//! their task, so the report does not depend on who did what when.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    buffer::{Chunk, Pool},
    pump::{LayerOutcome, Pump, ReadFault, Step},
    source::{Blob, BlobName, BlobSource},
    tar_check::Tree,
    watch::{Progress, Watch},
};
use crate::{
    Digest, Error, Limits, Result,
    digest::{Algorithm, Hasher},
};

/// How many chunks of a track may wait before its pump pauses.
const AHEAD: usize = 3;

/// However many cores there are.
const MOST_WORKERS: usize = 256;

/// What is to be computed about one blob.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) name: BlobName,
    /// What the image declares, to start with the largest.
    pub(super) size: u64,
    /// Digests of the bytes as stored.
    pub(super) stored: Vec<Algorithm>,
    /// Digests of the decompressed bytes; empty when it is no layer.
    pub(super) content: Vec<Algorithm>,
    /// Whether to note what the layer adds and removes.
    pub(super) tree: Tree,
    /// The bytes themselves, where the source has none.
    pub(super) inline: Option<Arc<[u8]>>,
}

/// What was computed about one blob.
pub(super) struct Outcome {
    pub(super) size: u64,
    pub(super) fault: Option<ReadFault>,
    pub(super) stored: Vec<Digest>,
    /// Complete only when the layer has no fault.
    pub(super) content: Vec<Digest>,
    pub(super) layer: Option<LayerOutcome>,
}

/// Does all tasks on `jobs` workers; outcomes come in the order of the tasks.
pub(super) fn run(
    source: &dyn BlobSource,
    tasks: &[Task],
    limits: &Limits,
    jobs: NonZeroUsize,
    before: Progress,
    watch: &Watch<'_>,
) -> Result<Vec<Outcome>> {
    if watch.is_cancelled() {
        return Err(Error::Cancelled);
    }
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    // More workers than blobs can feed, or files can be open at once, are of no use.
    let jobs = jobs.get().min(3 * tasks.len()).min(MOST_WORKERS);
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|&task| std::cmp::Reverse(tasks[task].size));
    let run = Run {
        source,
        tasks,
        limits,
        watch,
        before,
        pool: Arc::default(),
        bytes: AtomicU64::new(0),
        blobs: AtomicU64::new(0),
        workers: jobs,
        board: Mutex::new(Board {
            waiting: order.into(),
            lanes: Vec::new(),
            outcomes: tasks.iter().map(|_| None).collect(),
            done: 0,
            untold: Vec::new(),
            stopped: false,
        }),
        changed: Condvar::new(),
    };
    // Scoped: the threads have ended when this returns.
    let worked = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .thread_name(|index| format!("castline-{index}"))
        .build_scoped(rayon::ThreadBuilder::run, |workers| drop(workers.broadcast(|_| run.work())));
    worked.map_err(|error| Error::NoWorkers { reason: error.to_string().into() })?;
    let board = run.board.into_inner().unwrap_or_else(PoisonError::into_inner);
    board.outcomes.into_iter().collect::<Option<_>>().ok_or(Error::Cancelled)
}

struct Run<'a> {
    source: &'a dyn BlobSource,
    tasks: &'a [Task],
    limits: &'a Limits,
    watch: &'a Watch<'a>,
    before: Progress,
    pool: Arc<Pool>,
    bytes: AtomicU64,
    blobs: AtomicU64,
    workers: usize,
    board: Mutex<Board<'a>>,
    changed: Condvar,
}

/// What the workers share.
struct Board<'a> {
    waiting: VecDeque<usize>,
    lanes: Vec<Lane<'a>>,
    outcomes: Vec<Option<Outcome>>,
    done: usize,
    /// Those of them that the source was not told of yet.
    untold: Vec<usize>,
    stopped: bool,
}

/// One blob being read.
struct Lane<'a> {
    task: usize,
    /// Absent while a worker has it, and at the end.
    pump: Option<Box<Pump<'a>>>,
    tracks: Vec<Track>,
    /// Set once the pump has ended.
    ended: Option<Ended>,
}

struct Ended {
    size: u64,
    fault: Option<ReadFault>,
    layer: Option<LayerOutcome>,
}

/// One digest being computed.
struct Track {
    of_content: bool,
    /// Absent while a worker has it.
    hasher: Option<Hasher>,
    queue: VecDeque<Chunk>,
}

impl Track {
    fn is_ready(&self) -> bool {
        self.hasher.is_some() && !self.queue.is_empty()
    }
}

/// A chunk to be hashed, and where it belongs.
struct Portion {
    task: usize,
    track: usize,
    hasher: Hasher,
    chunk: Chunk,
}

enum Work<'a> {
    Pair(Portion, Portion),
    Single(Portion),
    Pump(usize, Box<Pump<'a>>),
    Open(usize),
    Wait,
    Leave,
}

impl<'a> Board<'a> {
    fn next(&mut self, workers: usize) -> Work<'a> {
        if self.stopped || self.done == self.outcomes.len() {
            return Work::Leave;
        }
        // With fewer streams left than workers it is the pumps that decide how long it takes.
        let pumping = self.lanes.iter().filter(|lane| lane.ended.is_none()).count();
        if pumping + self.waiting.len() < workers
            && let Some(pump) = self.pump()
        {
            return pump;
        }
        let mut ready = self.lanes.iter().enumerate().flat_map(|(lane, of)| {
            of.tracks
                .iter()
                .enumerate()
                .filter(|(_, track)| track.is_ready())
                .map(move |(track, _)| (lane, track))
        });
        let first = ready.next();
        let second = ready.next();
        drop(ready);
        if let (Some(first), Some(second)) = (first, second)
            && let (Some(left), Some(right)) = (self.portion(first), self.portion(second))
        {
            return Work::Pair(left, right);
        }
        if self.lanes.len() <= workers
            && let Some(task) = self.waiting.pop_front()
        {
            self.lanes.push(Lane { task, pump: None, tracks: Vec::new(), ended: None });
            return Work::Open(task);
        }
        if let Some(pump) = self.pump() {
            return pump;
        }
        first.and_then(|first| self.portion(first)).map_or(Work::Wait, Work::Single)
    }

    /// The pump of the oldest lane that is not too far ahead.
    fn pump(&mut self) -> Option<Work<'a>> {
        self.lanes.iter_mut().find_map(|lane| {
            let free = lane.tracks.iter().all(|track| track.queue.len() < AHEAD);
            free.then(|| lane.pump.take().map(|pump| Work::Pump(lane.task, pump))).flatten()
        })
    }

    fn portion(&mut self, (lane, track): (usize, usize)) -> Option<Portion> {
        let of = &mut self.lanes[lane];
        let chunk = of.tracks[track].queue.pop_front()?;
        let hasher = of.tracks[track].hasher.take()?;
        Some(Portion { task: of.task, track, hasher, chunk })
    }

    fn lane(&mut self, task: usize) -> Option<&mut Lane<'a>> {
        self.lanes.iter_mut().find(|lane| lane.task == task)
    }

    /// Gives a track its hasher back, with what is left of the chunk.
    fn give_back(&mut self, portion: Portion) {
        let Some(lane) = self.lane(portion.task) else { return };
        let track = &mut lane.tracks[portion.track];
        track.hasher = Some(portion.hasher);
        if !portion.chunk.is_empty() {
            track.queue.push_front(portion.chunk);
        }
        self.finish(portion.task);
    }

    /// Closes the lane of `task` when nothing more can come.
    fn finish(&mut self, task: usize) {
        let Some(position) = self.lanes.iter().position(|lane| {
            let idle = |track: &Track| track.hasher.is_some() && track.queue.is_empty();
            lane.task == task && lane.ended.is_some() && lane.tracks.iter().all(idle)
        }) else {
            return;
        };
        let lane = self.lanes.remove(position);
        let (mut stored, mut content) = (Vec::new(), Vec::new());
        for track in lane.tracks {
            let digests = if track.of_content { &mut content } else { &mut stored };
            digests.extend(track.hasher.map(Hasher::finish));
        }
        if let Some(Ended { size, fault, layer }) = lane.ended {
            self.outcomes[task] = Some(Outcome { size, fault, stored, content, layer });
            self.done += 1;
            self.untold.push(task);
        }
    }
}

impl<'a> Run<'a> {
    fn lock(&self) -> MutexGuard<'_, Board<'a>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        // A source or a callback that panics must not leave the other workers waiting.
        let release = StopOnPanic(self);
        let mut board = self.lock();
        loop {
            if self.watch.is_cancelled() {
                board.stopped = true;
                self.changed.notify_all();
            }
            match board.next(self.workers) {
                Work::Leave => break,
                Work::Wait => board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner),
                work => {
                    drop(board);
                    board = self.perform(work);
                    self.changed.notify_all();
                }
            }
        }
        drop(board);
        drop(release);
    }

    fn perform(&self, work: Work<'a>) -> MutexGuard<'_, Board<'a>> {
        match work {
            Work::Pair(mut left, mut right) => {
                let length = left.chunk.len().min(right.chunk.len());
                Hasher::update_pair(
                    &mut left.hasher,
                    &left.chunk[..length],
                    &mut right.hasher,
                    &right.chunk[..length],
                );
                left.chunk.advance(length);
                right.chunk.advance(length);
                let mut board = self.lock();
                board.give_back(left);
                board.give_back(right);
                self.finished(board)
            }
            Work::Single(mut portion) => {
                portion.hasher.update(&portion.chunk);
                portion.chunk.advance(portion.chunk.len());
                let mut board = self.lock();
                board.give_back(portion);
                self.finished(board)
            }
            Work::Open(task) => self.open(task),
            Work::Pump(task, pump) => self.pump(task, pump),
            Work::Wait | Work::Leave => self.lock(),
        }
    }

    fn open(&self, index: usize) -> MutexGuard<'_, Board<'a>> {
        let task = &self.tasks[index];
        let opened = match &task.inline {
            Some(bytes) => Ok(Blob { size: Some(bytes.len() as u64), reader: Box::new(&bytes[..]) }),
            None => self.source.open(&task.name),
        };
        let mut board = self.lock();
        let Some(lane) = board.lane(index) else { return board };
        match opened {
            Ok(blob) => {
                let is_layer = !task.content.is_empty();
                let plain_content = task.content.iter().any(|algorithm| !task.stored.contains(algorithm));
                let pump = Pump::new(blob, is_layer, plain_content, task.tree, &self.pool, self.limits);
                lane.pump = Some(Box::new(pump));
                let tracks = [(false, &task.stored), (true, &task.content)];
                for (of_content, algorithms) in tracks {
                    lane.tracks.extend(algorithms.iter().map(|algorithm| Track {
                        of_content,
                        hasher: Hasher::new(algorithm),
                        queue: VecDeque::new(),
                    }));
                }
                board
            }
            Err(fault) => {
                lane.ended = Some(Ended { size: 0, fault: Some(ReadFault::Failed(fault)), layer: None });
                board.finish(index);
                self.finished(board)
            }
        }
    }

    fn pump(&self, task: usize, mut pump: Box<Pump<'a>>) -> MutexGuard<'_, Board<'a>> {
        let step = pump.step();
        // Before the pump is given back: the caller's callback must not part it from this worker, whose caches hold it.
        if let Ok(Step { stored: Some(chunk), .. }) = &step {
            self.tell(chunk.len() as u64, 0);
        }
        let mut board = self.lock();
        let Some(lane) = board.lane(task) else { return board };
        match step {
            Ok(step) => {
                for track in &mut lane.tracks {
                    let chunk = if track.of_content { &step.content } else { &step.stored };
                    track.queue.extend(chunk.clone());
                }
                if step.ended {
                    lane.ended = Some(Ended { size: pump.stored(), fault: None, layer: pump.into_outcome() });
                } else {
                    lane.pump = Some(pump);
                }
            }
            Err(fault) => {
                lane.ended = Some(Ended { size: pump.stored(), fault: Some(fault), layer: None });
            }
        }
        board.finish(task);
        self.finished(board)
    }

    /// Counts blobs that are finished, and tells of them, without holding the board while the caller's callbacks run.
    fn finished<'b>(&'b self, mut board: MutexGuard<'b, Board<'a>>) -> MutexGuard<'b, Board<'a>> {
        let untold = std::mem::take(&mut board.untold);
        if untold.is_empty() {
            return board;
        }
        let whole =
            |outcome: &Outcome| outcome.fault.is_none().then(|| (outcome.size, outcome.stored.clone()));
        let read: Vec<_> =
            untold.iter().map(|&task| (task, board.outcomes[task].as_ref().and_then(whole))).collect();
        drop(board);
        for (task, read) in &read {
            if let Some((size, digests)) = read {
                self.source.hashed(&self.tasks[*task].name, *size, digests);
            }
        }
        self.tell(0, read.len() as u64);
        self.lock()
    }

    fn tell(&self, read: u64, finished: u64) {
        let bytes = self.bytes.fetch_add(read, Ordering::Relaxed) + read;
        let blobs = self.blobs.fetch_add(finished, Ordering::Relaxed) + finished;
        self.watch.report(Progress {
            bytes: self.before.bytes + bytes,
            blobs: self.before.blobs + blobs,
            ..self.before
        });
    }
}

struct StopOnPanic<'r, 'a>(&'r Run<'a>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().stopped = true;
            self.0.changed.notify_all();
        }
    }
}
