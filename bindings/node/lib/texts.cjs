'use strict'

const { fileURLToPath } = require('node:url')
const { bytes, integer, kindOf, outOfRange, string, textOf, wrongType } = require('./arguments.cjs')
const { frozen } = require('./json.cjs')
const { binding, call } = require('./native.cjs')

/** A value that is a text: immutable, written as that text in JSON. */
class Text {
  constructor(kind, text) {
    string(text, 'the text')
    Object.assign(this, call(() => frozen(binding.parse(kind, text))))
  }
  toString() {
    return this.text
  }
  toJSON() {
    return this.text
  }
  equals(other) {
    return other?.constructor === this.constructor && other.text === this.text
  }
}

/** A content digest, e.g. `sha256:…`. */
class Digest extends Text {
  constructor(text) {
    super('Digest', text)
    Object.freeze(this)
  }
  /** The digest of a text's UTF-8, or of bytes, by SHA-256. */
  static of(content) {
    const raw = bytes(content, 'the content')
    return new Digest(call(() => binding.digestOf(typeof raw === 'string' ? Buffer.from(raw) : raw)))
  }
}

/** What an image runs on, e.g. `linux/arm64/v8`. */
class Platform extends Text {
  constructor(text) {
    super('Platform', text)
    Object.freeze(this)
  }
}

/** Where an image is, e.g. `oci:DIR:TAG`. */
class Reference extends Text {
  constructor(text) {
    super('Reference', text)
    Object.freeze(this)
  }
  /** All that is at a path, taken as it is: a folder is an OCI layout, a file an archive of one. */
  static at(path) {
    const place = path instanceof URL ? fileURLToPath(path) : string(path, 'the path')
    return new Reference(call(() => binding.referenceAt(place)))
  }
}

function written(date) {
  if (Number.isNaN(date.getTime())) throw outOfRange('the date is invalid')
  return date.toISOString()
}

/** The text of a moment, given as one, as a Date or as a Time. */
const moment = (at, what) => (at instanceof Date ? written(at) : textOf(at, Time, what))

/** A moment, in milliseconds. */
class Time extends Text {
  constructor(text) {
    super('Time', text instanceof Date ? written(text) : text)
    Object.freeze(this)
  }
  static fromMillis(millis) {
    if (typeof millis !== 'number') throw wrongType(`milliseconds must be a number, not ${kindOf(millis)}`)
    if (!Number.isSafeInteger(millis)) throw outOfRange('milliseconds must be a whole number')
    return new Time(call(() => binding.timeFromMillis(millis)))
  }
  toDate() {
    return new Date(this.millis)
  }
}

/** A number of instances, or a share of them with its rounding. */
class Amount extends Text {
  constructor(text) {
    super('Amount', text)
    Object.freeze(this)
  }
  of(total) {
    return call(() => binding.amountOf(this.text, integer(total, 'the total')))
  }
}

/** What an instance of a release is. */
class Revision extends Text {
  constructor(text) {
    super('Revision', text)
    Object.freeze(this)
  }
}

/** When work may be begun: a schedule, a duration and a time zone. */
class Window {
  constructor(schedule, durationSeconds, timeZone = 'UTC') {
    string(schedule, 'the schedule')
    string(timeZone, 'the time zone')
    const seconds = integer(durationSeconds, 'the duration')
    Object.assign(this, call(() => frozen(binding.window(schedule, seconds, timeZone))))
    Object.freeze(this)
  }
  isOpen(now) {
    return at(this, now).open
  }
  nextOpen(now) {
    const next = at(this, now).nextOpen
    return next === null ? null : new Time(next)
  }
  equals(other) {
    return other instanceof Window && JSON.stringify(this) === JSON.stringify(other)
  }
}

function at({ schedule, durationSeconds, timeZone }, now) {
  const then = moment(now, 'the moment')
  return call(() => frozen(binding.window(schedule, BigInt(durationSeconds), timeZone, then)))
}

module.exports = { Digest, Platform, Reference, Time, Amount, Revision, Window, internal: { moment } }
