'use strict'

const { binding, call, frozen, json, watched } = require('./native.cjs')
const { Plan, internal } = require('./documents.cjs')

const { handle, handles, made, releases } = internal

/** How these services get from what runs to what should. Throws an `InfeasibleError` before anything is touched. */
const planSync = (targets) => made(Plan, call(() => binding.planSync(handles(targets))))

/** The same, off the event loop. */
async function plan(targets) {
  return made(Plan, await watched({}, () => binding.plan(handles(targets))))
}

/** Proves that a plan is safe and does what was asked for. Throws a `ViolationError`. */
const checkSync = (plan, targets) => call(() => frozen(binding.checkSync(handle(plan, Plan), handles(targets))))

/** The same, off the event loop. */
async function check(plan, targets) {
  return frozen(await watched({}, () => binding.check(handle(plan, Plan), handles(targets))))
}

/** Executes a plan in every order in which things can happen; for small plans. */
async function explore(plan, targets, { fallback, states, faults } = {}) {
  const limit = states === undefined ? undefined : BigInt(states)
  return frozen(
    await watched({}, () => binding.explore(handle(plan, Plan), handles(targets), releases(fallback), limit, faults)),
  )
}

/** Executes a plan in a simulated world. */
async function simulate(plan, targets, { fallback, world, at } = {}) {
  return frozen(
    await watched({}, () =>
      binding.simulate(handle(plan, Plan), handles(targets), releases(fallback), world && json(world), at && String(at)),
    ),
  )
}

/** How many waves a plan has, and the fewest that any plan could have. */
const bounds = (plan, targets, { world } = {}) =>
  call(() => frozen(binding.bounds(handle(plan, Plan), handles(targets), world && json(world))))

module.exports = { plan, planSync, check, checkSync, explore, simulate, bounds }
