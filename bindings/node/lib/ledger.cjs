'use strict'

const { binding, call, frozen, json } = require('./native.cjs')
const { Release, internal } = require('./documents.cjs')
const { Digest } = require('./texts.cjs')

const { handle, made } = internal
const MADE = Symbol('made')
const text = (value) => (value === undefined ? undefined : String(value))
const digest = (value) => (value === null || value === undefined ? null : new Digest(value))

/** A chain of entries, each of which names the one before it by its digest. Immutable: appending gives another one. */
class Ledger {
  #handle
  constructor(key, value) {
    this.#handle = key === MADE ? value : new binding.Ledger()
    Object.freeze(this)
  }
  static fromLines(lines, { head, within } = {}) {
    return new Ledger(MADE, call(() => binding.Ledger.fromLines(lines, text(head), text(within))))
  }
  toLines() {
    return call(() => this.#handle.toLines())
  }
  append(at, actor, record) {
    return new Ledger(MADE, call(() => this.#handle.append(String(at), actor, json(record))))
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
    return call(() => frozen(this.#handle.history(service)))
  }
  current(service) {
    return digest(call(() => this.#handle.current(service)))
  }
  release(name) {
    return made(Release, call(() => this.#handle.release(String(name))))
  }
  previousGood(service) {
    return made(Release, call(() => this.#handle.previousGood(service)))
  }
  rollbackTarget(failed) {
    return made(Release, call(() => this.#handle.rollbackTarget(handle(failed, Release))))
  }
  imagesNeeded(keep) {
    return call(() => frozen(this.#handle.imagesNeeded(keep)))
  }
  equals(other) {
    return other instanceof Ledger && Buffer.compare(this.toLines(), other.toLines()) === 0
  }
}

module.exports = { Ledger }
