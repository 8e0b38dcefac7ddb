'use strict'

const { binding, call, frozen } = require('./native.cjs')

/** A value that is a text: immutable, written as that text in JSON. */
class Text {
  constructor(kind, text) {
    const parts = call(() => frozen(binding.parse(kind, text)))
    Object.assign(this, parts)
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
  static of(bytes) {
    return new Digest(call(() => binding.digestOf(bytes)))
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
}

/** A moment, in milliseconds. */
class Time extends Text {
  constructor(text) {
    super('Time', text instanceof Date ? text.toISOString() : text)
    Object.freeze(this)
  }
  static fromMillis(millis) {
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
    return call(() => binding.amountOf(this.text, BigInt(total)))
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
    Object.assign(this, call(() => frozen(binding.window(schedule, BigInt(durationSeconds), timeZone))))
    Object.freeze(this)
  }
  #at(now) {
    const { schedule, durationSeconds, timeZone } = this
    return call(() => frozen(binding.window(schedule, BigInt(durationSeconds), timeZone, String(now))))
  }
  isOpen(now) {
    return this.#at(now).open
  }
  nextOpen(now) {
    const next = this.#at(now).nextOpen
    return next === null ? null : new Time(next)
  }
  equals(other) {
    return other instanceof Window && JSON.stringify(this) === JSON.stringify(other)
  }
}

module.exports = { Digest, Platform, Reference, Time, Amount, Revision, Window }
