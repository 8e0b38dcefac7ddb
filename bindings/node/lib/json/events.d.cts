// What a rollout asks for, and what it is told. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

import type { FleetJSON } from './fleet.cjs'
import type { Disposal } from './plan.cjs'

/** Something that happened, and when. A journal of them is all that is needed to make a rollout again. */
export type RolloutEvent =
  /** Time passed. */
  | {
    readonly type: 'tick'
    /** When. */
    readonly at: string
  }
  /** The launch of this key was done: this is the new instance. It need not be ready. */
  | {
    readonly type: 'launched'
    /** When. */
    readonly at: string
    /** The new instance's id. */
    readonly instance: string
    /** The action's key. */
    readonly key: string
  }
  /** The launch of this key was tried and nothing is there. */
  | {
    readonly type: 'launchFailed'
    /** When. */
    readonly at: string
    /** The action's key. */
    readonly key: string
    /** What the platform said. */
    readonly reason: string
  }
  /** An instance passes its health check. */
  | {
    readonly type: 'ready'
    /** When. */
    readonly at: string
    /** Its id. */
    readonly instance: string
  }
  /** An instance does not pass its health check. */
  | {
    readonly type: 'notReady'
    /** When. */
    readonly at: string
    /** Its id. */
    readonly instance: string
  }
  /** An instance has failed for good, and is still there. */
  | {
    readonly type: 'failed'
    /** When. */
    readonly at: string
    /** Its id. */
    readonly instance: string
    /** What the platform said. */
    readonly reason: string
  }
  /** An instance is not there any more, whoever ended it. */
  | {
    readonly type: 'gone'
    /** When. */
    readonly at: string
    /** Its id. */
    readonly instance: string
  }
  /** An instance is out of traffic and kept. */
  | {
    readonly type: 'quarantined'
    /** When. */
    readonly at: string
    /** Its id. */
    readonly instance: string
  }
  /** The files of an instance are not those of its image. */
  | {
    readonly type: 'compromised'
    /** When. */
    readonly at: string
    /** Its id. */
    readonly instance: string
  }
  /** Traffic flows as the stage says. */
  | {
    readonly type: 'shifted'
    /** When. */
    readonly at: string
    /** The action's key. */
    readonly key: string
  }
  /** The analysis of this key was passed. */
  | {
    readonly type: 'passed'
    /** When. */
    readonly at: string
    /** The action's key. */
    readonly key: string
  }
  /** The analysis of this key was not passed. */
  | {
    readonly type: 'notPassed'
    /** When. */
    readonly at: string
    /** The action's key. */
    readonly key: string
    /** What was seen. */
    readonly reason: string
  }
  /** Somebody approves of what the action of this key asks. */
  | {
    readonly type: 'approved'
    /** When. */
    readonly at: string
    /** Who. */
    readonly by: string
    /** The action's key. */
    readonly key: string
  }
  /** Somebody refuses what the action of this key asks. */
  | {
    readonly type: 'refused'
    /** When. */
    readonly at: string
    /** Who. */
    readonly by: string
    /** The action's key. */
    readonly key: string
    /** Why. */
    readonly reason: string
  }
  /** Somebody asks to begin nothing more. What was begun is finished. */
  | {
    readonly type: 'pause'
    /** When. */
    readonly at: string
    /** Who. */
    readonly by: string
    /** Why, where that is to be said: what the status says then. */
    readonly reason?: string
  }
  /** Somebody asks to go on. What failed is tried again. */
  | {
    readonly type: 'continue'
    /** When. */
    readonly at: string
    /** Who. */
    readonly by: string
  }
  /** Somebody asks to stop for good, and to leave things as they are. */
  | {
    readonly type: 'abort'
    /** When. */
    readonly at: string
    /** Who. */
    readonly by: string
  }
  /** Somebody asks to go back to the release that was there to fall back to. */
  | {
    readonly type: 'rollBack'
    /** When. */
    readonly at: string
    /** Who. */
    readonly by: string
  }
  /** A service is to have another number of instances. */
  | {
    readonly type: 'resize'
    /** When. */
    readonly at: string
    /** Who asks. */
    readonly by: string
    /** How many. */
    readonly replicas: number
    /** The service. */
    readonly service: string
  }
  /** What is really there: corrects what lost or late events left wrong. */
  | {
    readonly type: 'observed'
    /** When. */
    readonly at: string
    /** A service's fleet. */
    readonly fleet: FleetJSON
  }

/** Something that a driver does in the world. Doing it twice is doing it once: the key says that it is the same. */
export type Action =
  /** Launch an instance. Answered by `launched` or `launchFailed`; then `ready` and so on. */
  | {
    readonly type: 'launch'
    /** Its idempotency key. */
    readonly key: string
    /** The service that it is about. */
    readonly service: string
    /** Labels that it is to have, by which limits count it. */
    readonly labels?: { readonly [name: string]: string }
    /** What it is; the release is the one that has this revision. */
    readonly revision: string
    /** In which slot. */
    readonly slot?: string
    /** In which zone. */
    readonly zone?: string
  }
  /** Retire an instance. Answered by `gone`, or by `quarantined` where it is kept. */
  | {
    readonly type: 'retire'
    /** Its idempotency key. */
    readonly key: string
    /** The service that it is about. */
    readonly service: string
    /** What becomes of it. */
    readonly disposal: Disposal
    /** How long it has to finish what it does. */
    readonly drainSeconds: number
    /** Its id. */
    readonly instance: string
  }
  /** Send this share of the traffic to instances of the revision. Answered by `shifted`. */
  | {
    readonly type: 'shift'
    /** Its idempotency key. */
    readonly key: string
    /** The service that it is about. */
    readonly service: string
    /** The revision. */
    readonly revision: string
    /** Of a hundred. */
    readonly weight: number
  }
  /** Run an analysis. Answered by `passed` or `notPassed`. */
  | {
    readonly type: 'analyse'
    /** Its idempotency key. */
    readonly key: string
    /** The service that it is about. */
    readonly service: string
    /** Its name. */
    readonly name: string
  }
  /** Ask somebody. Answered by `approved` or `refused`. */
  | {
    readonly type: 'ask'
    /** Its idempotency key. */
    readonly key: string
    /** The service that it is about. */
    readonly service: string
    /** What for. */
    readonly approval: string
  }

/** What is to be done now, and when to look again. */
export interface Next {
  /**
   * All actions that are under way: asked for, and no event has said yet what became of them. The same action has the
   * same key each time.
   */
  readonly actions: readonly Action[]
  /** When time alone changes something: feed a `tick` then, if nothing happens before. */
  readonly wake?: string
}

/** How far a rollout is. */
export type RolloutStatus =
  /** It goes on, or waits for something that will happen. */
  | { readonly status: 'running' }
  /** It waits for somebody to say `continue`, `rollBack` or `abort`. */
  | { readonly status: 'paused'; readonly reason: string }
  /** It goes back to an earlier release. */
  | { readonly status: 'rollingBack'; readonly reason: string }
  /** What should run does. The end. */
  | { readonly status: 'succeeded' }
  /** The earlier release runs again. The end. `to` has the digests of the releases, in the order of the services. */
  | { readonly status: 'rolledBack'; readonly reason: string; readonly to: readonly string[] }
  /** Somebody stopped it, and things are left as they are. The end. */
  | { readonly status: 'aborted'; readonly by: string }

/** How far a rollout is, in numbers. */
export interface RolloutProgress {
  /** Replacements that wait. */
  readonly waiting: number
  /** Replacements that are under way. */
  readonly active: number
  /** Replacements that are done. */
  readonly done: number
  /** Replacements that have failed. */
  readonly failed: number
  /** Stages that are done. */
  readonly stagesDone: number
  /** All stages. */
  readonly stages: number
}

/** A replacement that waits, and what for. Others like it wait for the same. */
export interface Wait {
  /** What waits. */
  readonly what: string
  /** What for. */
  readonly on: readonly string[]
}
