'use strict'

const { options, string } = require('./arguments.cjs')
const { Fleet, Plan, internal } = require('./documents.cjs')
const { frozen, json } = require('./json.cjs')
const { binding, call } = require('./native.cjs')
const { Time, internal: texts } = require('./texts.cjs')

const { handle, handles, made, releases } = internal
const MADE = Symbol('made')

/** A plan being executed: asked for what is to be done, told what happened. It does nothing itself, and reads no clock. */
class Rollout {
  #handle
  constructor(plan, targets, given) {
    if (plan === MADE) this.#handle = targets
    else {
      const { at, fallback } = options(given, 'at', 'fallback')
      const start = texts.moment(at, 'at')
      const [what, goals, before] = [handle(plan, Plan), handles(targets), releases(fallback)]
      this.#handle = call(() => binding.Rollout.start(what, goals, before, start))
    }
    Object.freeze(this)
  }
  next() {
    return call(() => frozen(this.#handle.next()))
  }
  on(event) {
    const happened = json(event)
    call(() => this.#handle.on(happened))
  }
  get status() {
    return call(() => frozen(this.#handle.status()))
  }
  get ended() {
    return call(() => this.#handle.ended())
  }
  get progress() {
    return call(() => frozen(this.#handle.progress()))
  }
  get waits() {
    return call(() => frozen(this.#handle.waits()))
  }
  fleet(service) {
    string(service, 'the service')
    return made(Fleet, call(() => this.#handle.fleet(service)))
  }
  get plan() {
    return made(Plan, call(() => this.#handle.plan()))
  }
  get clock() {
    return new Time(call(() => this.#handle.clock()))
  }
  copy() {
    return new Rollout(MADE, call(() => this.#handle.copy()))
  }
  equals(other) {
    return other instanceof Rollout && call(() => this.#handle.equals(other.#handle))
  }
}

module.exports = { Rollout }
