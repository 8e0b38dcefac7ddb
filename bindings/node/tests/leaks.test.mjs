// Memory after many calls: what a hundred thousand of them leave behind.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import * as castline from 'castline'
import { VECTORS, collect, target } from './support.mjs'

const goal = target()
const plan = castline.planSync(goal)
const LAYOUT = `oci:${path.join(VECTORS, 'layouts/three-layers')}`
const rootfs = await castline.tree(LAYOUT)

function synchronous() {
  castline.Digest.of('x')
  const fleet = new castline.Fleet('web', [{ id: 'a' }])
  assert.ok(fleet.digest.equals(castline.Fleet.fromJSON(fleet).digest))
  const run = new castline.Rollout(castline.planSync(goal), goal, { at: '2026-01-01T00:00:00Z' })
  run.on({ type: 'tick', at: '2026-01-01T00:00:01Z' })
  assert.equal(run.next().actions.length, 1)
  assert.throws(() => new castline.Digest('x'))
  assert.throws(() => castline.Fleet.fromJSON('x'))
}

async function asynchronous() {
  const { signal } = new AbortController()
  await Promise.all([
    castline.plan(goal, { signal }),
    castline.check(plan, goal),
    castline.compare(rootfs, rootfs),
    castline.verify('oci:/nowhere', { signal, progress: () => {} }).catch(() => {}),
    castline.verify('oci:/nowhere', { signal: AbortSignal.abort() }).catch(() => {}),
  ])
}

/**
 * How much memory the process grows by over so many rounds, in MiB: the least of up to three times, since what is used the
 * first time grows it, too. What leaks does so each time.
 */
async function growth(rounds, enough, round) {
  let least = Infinity
  for (let time = 0; time < 4 && least > enough; time += 1) {
    const before = process.memoryUsage.rss()
    for (let at = 0; at < rounds; at += 1) {
      await round()
      // What is finalised waits for the event loop to turn.
      if (at % 100 === 99) await new Promise(setImmediate)
    }
    await collect()
    if (time > 0) least = Math.min(least, (process.memoryUsage.rss() - before) / 2 ** 20)
  }
  return least
}

test('a hundred thousand calls leave nothing behind', async (t) => {
  // Ten calls and more in a round.
  const grown = await growth(10_000, 4, synchronous)
  t.diagnostic(`${grown.toFixed(1)} MiB more after 100,000 more calls`)
  assert.ok(grown <= 4, `${grown} MiB`)
})

test('ten thousand pieces of work off the event loop leave nothing behind', async (t) => {
  const grown = await growth(2_000, 4, asynchronous)
  t.diagnostic(`${grown.toFixed(1)} MiB more after 10,000 more pieces`)
  assert.ok(grown <= 4, `${grown} MiB`)
})

test('large documents that nobody holds any more are let go of', async (t) => {
  const instances = Array.from({ length: 5_000 }, (_, n) => ({ id: `web-${n}`, zone: 'abc'[n % 3], image: `ami-${n}` }))
  const grown = await growth(100, 4, () => new castline.Fleet('web', instances).digest)
  t.diagnostic(`${grown.toFixed(1)} MiB more after 100 more fleets of 5,000`)
  assert.ok(grown <= 4, `${grown} MiB`)
})
