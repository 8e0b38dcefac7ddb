'use strict'

// Everything that crosses into Rust goes through here, so that errors become castline's.
const { wrongType } = require('./arguments.cjs')
const { fromNative } = require('./errors.cjs')

let binding
try {
  binding = require('../castline.node')
} catch (cause) {
  const here = `${process.platform} on ${process.arch}`
  throw new Error(`castline for Node is built for linux on x64 with glibc; this is ${here}: ${cause.message}`, { cause })
}

function call(work) {
  try {
    return work()
  } catch (error) {
    throw fromNative(error)
  }
}

/** How often progress is told, in milliseconds. */
const PERIOD = 50

function checked(signal, progress) {
  if (progress !== undefined && typeof progress !== 'function') throw wrongType('progress must be a function')
  if (signal === undefined) return
  if (typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    throw wrongType('signal must be an AbortSignal')
  }
  if (signal.aborted) throw signal.reason
}

/** Long work, off the event loop: told how far it is, stopped by a signal or by what `progress` throws. */
async function watched({ signal, progress }, start) {
  checked(signal, progress)
  const watch = new binding.Watch()
  // What an async `progress` still does.
  const open = new Set()
  let [thrown, letGo] = []
  const stopped = new Promise((resolve) => (letGo = resolve))
  const stop = () => {
    watch.cancel()
    letGo()
  }
  const fail = (reason) => {
    thrown ??= { reason }
    stop()
  }
  const tell = () => {
    const now = thrown ? null : watch.latest()
    if (!now) return
    const [bytes, totalBytes, blobs, totalBlobs] = now
    try {
      const said = progress({ bytes, totalBytes, blobs: Number(blobs), totalBlobs: Number(totalBlobs) })
      // One that is async may fail later.
      if (typeof said?.then !== 'function') return
      const settled = Promise.resolve(said).catch(fail).finally(() => open.delete(settled))
      open.add(settled)
    } catch (reason) {
      fail(reason)
    }
  }
  const timer = progress && setInterval(tell, PERIOD)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const done = await start(watch)
    if (progress) tell()
    // Neither a signal nor what one call threw waits for what others wait for.
    if (open.size > 0) await Promise.race([Promise.all(open), stopped])
    if (open.size > 0) thrown ??= { reason: signal.reason }
    if (thrown) throw thrown.reason
    return done
  } catch (error) {
    if (thrown) throw thrown.reason
    const failure = fromNative(error)
    if (failure?.code === 'CANCELLED' && signal?.aborted) throw signal.reason
    throw failure
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** Work that cannot be stopped once it has begun: a signal lets go of it at once, and what it yields is dropped. */
async function dropped({ signal }, start) {
  checked(signal)
  const watch = new binding.Watch()
  let stop
  const aborted = new Promise((_, reject) => {
    stop = () => {
      watch.cancel()
      reject(signal.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([start(watch), aborted])
  } catch (error) {
    throw signal?.aborted ? signal.reason : fromNative(error)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

module.exports = { binding, call, dropped, watched }
