// A rollout, driven: by events one after the other, and from its journal.
import assert from 'node:assert/strict'
import test from 'node:test'
import * as castline from 'castline'
import { target } from './support.mjs'

function driven(run) {
  const journal = []
  for (let second = 0; !run.ended && second < 100; second += 1) {
    const [action] = run.next().actions
    const at = castline.Time.fromMillis(1000 * second)
    const events =
      action.type === 'launch'
        ? [{ type: 'launched', key: action.key, instance: `n${second}` }, { type: 'ready', instance: `n${second}` }]
        : [{ type: 'gone', instance: action.instance }]
    for (const event of events) {
      journal.push({ at, ...event })
      run.on(journal.at(-1))
    }
  }
  return journal
}

test('a rollout is the same from its journal, also as text', () => {
  const goal = target()
  const plan = castline.planSync(goal)
  const at = castline.Time.fromMillis(0)
  const run = new castline.Rollout(plan, [goal], { at })
  const half = run.copy()
  const journal = driven(run)
  assert.deepEqual(run.status, { status: 'succeeded' })
  assert.deepEqual([run.ended, run.progress.done, run.waits.length], [true, 3, 0])
  assert.ok(!half.equals(run) && run.plan.equals(plan) && run.clock.equals(journal.at(-1).at))
  for (const event of JSON.parse(JSON.stringify(journal))) half.on(event)
  assert.ok(half.equals(run) && run.copy().equals(run))
  assert.ok(castline.planSync(new castline.Target(run.fleet('web'), goal.release, goal.policy)).empty)
  assert.equal(run.fleet('other'), null)
})

test('an event that is none leaves the rollout as it was', () => {
  const goal = target()
  const run = new castline.Rollout(castline.planSync(goal), goal, { at: new Date(0) })
  const before = run.copy()
  for (const event of [{ type: 'nothing', at: new Date(0) }, { type: 'ready', at: new Date(0) }, { type: 'tick' }, {}, null]) {
    assert.throws(() => run.on(event), { code: 'INVALID_DOCUMENT', message: /event/ })
  }
  assert.ok(run.equals(before))
})

test('a rollout that is observed, paused and continued goes on', () => {
  const goal = target()
  const run = new castline.Rollout(castline.planSync(goal), goal, { at: new Date(0) })
  run.on({ type: 'pause', by: 'ann', at: new Date(1) })
  assert.equal(run.status.status, 'paused')
  run.on({ type: 'continue', by: 'ann', at: new Date(2) })
  run.on({ type: 'observed', fleet: goal.fleet, at: new Date(3) })
  assert.equal(run.status.status, 'running')
  driven(run)
  assert.ok(run.ended)
})
