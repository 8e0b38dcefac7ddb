'use strict'

const { bytes, integer, options, string, textOf } = require('./arguments.cjs')
const { Release, internal } = require('./documents.cjs')
const { frozen, json } = require('./json.cjs')
const { binding, call } = require('./native.cjs')
const { Digest, internal: texts } = require('./texts.cjs')

const { handle, made } = internal
const MADE = Symbol('made')
const anchor = (value, what) => (value === undefined ? undefined : textOf(value, Digest, what))
const digest = (value) => (value === null || value === undefined ? null : new Digest(value))

/** A chain of entries, each of which names the one before it by its digest. Immutable: appending gives another one. */
class Ledger {
  #handle
  constructor(key, value) {
    this.#handle = key === MADE ? value : new binding.Ledger()
    Object.freeze(this)
  }
  static fromLines(lines, given) {
    const { head, within } = options(given, 'head', 'within')
    const [text, last, known] = [bytes(lines, 'the lines'), anchor(head, 'head'), anchor(within, 'within')]
    return new Ledger(MADE, call(() => binding.Ledger.fromLines(text, last, known)))
  }
  toLines() {
    return call(() => this.#handle.toLines())
  }
  append(at, actor, record) {
    const [when, what] = [texts.moment(at, 'the moment'), json(record)]
    string(actor, 'the actor')
    return new Ledger(MADE, call(() => this.#handle.append(when, actor, what)))
  }
  get head() {
    return digest(this.#handle.head())
  }
  get length() {
    return this.#handle.length()
  }
  get entries() {
    return call(() => frozen(this.#handle.entries()))
  }
  [Symbol.iterator]() {
    return this.entries[Symbol.iterator]()
  }
  history(service) {
    string(service, 'the service')
    return call(() => frozen(this.#handle.history(service)))
  }
  current(service) {
    string(service, 'the service')
    return digest(call(() => this.#handle.current(service)))
  }
  release(name) {
    const text = textOf(name, Digest, 'the digest')
    return made(Release, call(() => this.#handle.release(text)))
  }
  previousGood(service) {
    string(service, 'the service')
    return made(Release, call(() => this.#handle.previousGood(service)))
  }
  rollbackTarget(failed) {
    const release = handle(failed, Release)
    return made(Release, call(() => this.#handle.rollbackTarget(release)))
  }
  imagesNeeded(keep) {
    const count = Number(integer(keep, 'how many are kept', 0n, 2n ** 32n - 1n))
    return call(() => frozen(this.#handle.imagesNeeded(count)))
  }
  equals(other) {
    return other instanceof Ledger && Buffer.compare(this.toLines(), other.toLines()) === 0
  }
}

module.exports = { Ledger }
