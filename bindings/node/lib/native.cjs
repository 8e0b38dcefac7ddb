'use strict'

// Everything that crosses into Rust goes through here: errors become castline's, JSON becomes frozen values.
const { fromNative } = require('./errors.cjs')

const binding = require('../castline.node')

function call(work) {
  try {
    return work()
  } catch (error) {
    throw fromNative(error)
  }
}

function freeze(value) {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const key of Object.keys(value)) freeze(value[key])
  }
  return value
}

const frozen = (json) => freeze(JSON.parse(json))

/** The JSON of what a caller gives; refuses what JSON cannot say. */
function json(value) {
  const text = JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? JSON.rawJSON?.(String(member)) ?? exact(member) : member))
  if (text === undefined) throw new TypeError(`${typeof value} cannot be written as JSON`)
  return text
}

/** Before JSON.rawJSON (Node 21) only what a double holds exactly can be written. */
function exact(member) {
  const number = Number(member)
  if (!Number.isSafeInteger(number)) throw new RangeError(`${member} is too large for a number in JSON`)
  return number
}

/** How often progress is told, in milliseconds. */
const PERIOD = 50

/** Long work, off the event loop: told how far it is, stopped by a signal or by what `progress` throws. */
async function watched({ signal, progress } = {}, start) {
  if (progress !== undefined && typeof progress !== 'function') throw new TypeError('progress is no function')
  signal?.throwIfAborted()
  const watch = new binding.Watch()
  let thrown
  const tell = () => {
    if (thrown !== undefined) return
    const now = watch.latest()
    if (!now) return
    const [bytes, totalBytes, blobs, totalBlobs] = now
    try {
      progress({ bytes, totalBytes, blobs: Number(blobs), totalBlobs: Number(totalBlobs) })
    } catch (reason) {
      thrown = { reason }
      watch.cancel()
    }
  }
  const stop = () => watch.cancel()
  const timer = progress && setInterval(tell, PERIOD)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const done = await start(watch)
    if (progress) tell()
    if (thrown) throw thrown.reason
    return done
  } catch (error) {
    if (thrown) throw thrown.reason
    const failure = fromNative(error)
    if (failure.code === 'CANCELLED') signal?.throwIfAborted()
    throw failure
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', stop)
  }
}

module.exports = { binding, call, freeze, frozen, json, watched }
