// A driver: does in a world of promises what a rollout asks for, and tells it what happens.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import * as castline from 'castline'

class Driver {
  #began = performance.now()
  #told = new EventEmitter()
  #events = []
  #begun = new Set()
  #launched = 0

  constructor(rollout) {
    this.rollout = rollout
  }

  /** The world's clock runs a thousand times faster than ours. */
  now() {
    return castline.Time.fromMillis(Math.floor((performance.now() - this.#began) * 1000))
  }

  happened(event) {
    this.#events.push({ at: this.now(), ...event })
    this.#told.emit('event')
  }

  /** Whatever it takes on a real platform; doing it twice must be doing it once, which the key is for. */
  async do(action) {
    await sleep(5)
    switch (action.type) {
      case 'launch': {
        const instance = `new-${(this.#launched += 1)}`
        this.happened({ type: 'launched', key: action.key, instance })
        await sleep(10)
        this.happened({ type: 'ready', instance })
        break
      }
      case 'retire':
        this.happened({ type: 'gone', instance: action.instance })
        break
      default:
        throw new Error(`nothing is known of ${action.type}`)
    }
  }

  /** Waits until something happens, and tells the time where nothing does. What fails in an action ends it, too. */
  async wait() {
    const signal = AbortSignal.timeout(1000)
    try {
      await once(this.#told, 'event', { signal })
    } catch (error) {
      if (!signal.aborted) throw error
      this.happened({ type: 'tick' })
    }
  }

  async run() {
    while (!this.rollout.ended) {
      for (const action of this.rollout.next().actions) {
        if (this.#begun.has(action.key)) continue
        this.#begun.add(action.key)
        console.log(action.type, action.type === 'launch' ? action.zone : action.instance)
        this.do(action).catch((error) => this.#told.emit('error', error))
      }
      if (this.#events.length === 0) await this.wait()
      for (const event of this.#events.splice(0)) this.rollout.on(event)
    }
  }
}

const fleet = new castline.Fleet('web', [0, 1, 2, 3].map((n) => ({ id: `web-${n}`, image: 'ami-1', zone: 'ab'[n % 2] })))
const image = { provider: 'aws', id: 'ami-2', provenance: { builder: 'packer' } }
const release = castline.Release.ofProviderImage('web', image, 4)
const policy = new castline.Policy({ budgets: [{ maxUnavailable: 0, maxSurge: 2 }] })
const target = new castline.Target(fleet, release, policy)

const rollout = new castline.Rollout(await castline.plan(target), target, { at: castline.Time.fromMillis(0) })
await new Driver(rollout).run()

const after = rollout.fleet('web')
assert.deepEqual(rollout.status, { status: 'succeeded' })
assert.ok(after.instances.every((one) => one.image === 'ami-2'))
console.log(rollout.status.status, after.instances.map((one) => one.id).join(' '))
