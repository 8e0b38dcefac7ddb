// How it may get there. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

/** How blue gives way to green. */
export interface BlueGreen {
  /** What must hold after it before the old are retired: time in which to switch back. */
  readonly beforeRetire?: Gate
  /** What must hold before traffic is switched. */
  readonly beforeSwitch?: Gate
}

/** What is too much. One trips when there are more than it says. */
export interface Breakers {
  /**
   * So many of the fleet are compromised when the plan is made, or found to be while it is executed: somebody has to
   * approve of what is done. No limit where nothing is stated.
   */
  readonly maxCompromised?: number | string
  /** So many replacements fail. 0 where nothing is stated: the first that fails stops the rollout. */
  readonly maxFailed?: number | string
}

/** How far a replacement may take capacity below and above what is desired, in a scope. */
export interface Budget {
  /** How many replacements may be under way at once, whatever they do to capacity. */
  readonly maxInFlight?: number | string
  /** The ceiling: how many more than desired there may be. One holds its place until it is gone. */
  readonly maxSurge?: number | string
  /** The floor, told from above: how many of the desired may be unavailable. */
  readonly maxUnavailable?: number | string
  /** The floor: how many of the desired must stay available. A share is one of the desired number in the scope. */
  readonly minAvailable?: number | string
  /** What it is called in plans and messages; by default its scope. */
  readonly name?: string
  /** It is about replacements for these reasons; all, where none is named. */
  readonly reasons?: readonly Reason[]
  /** What it counts. */
  readonly scope?: Scope
  /**
   * It holds only within this window; always, where there is none. Whatever is under way when it begins to hold is
   * finished.
   */
  readonly window?: WindowJSON
}

/** What becomes of a compromised instance. */
export type Compromised =
  /** It is retired before all others. */
  | 'replace'
  /** It is taken out of traffic as the budgets allow, and kept to be looked at. */
  | 'quarantine'
  /** It is taken out of traffic at once, whatever the budgets say, and kept. It counts as one that is down already. */
  | 'isolate'

/** What must hold before what comes after a stage begins: all that it states, in this order. */
export interface Gate {
  /** The analysis of this name, which the driver runs, is passed. */
  readonly analysis?: string
  /** Somebody approves; the text says who should, and what of. The time that it takes counts against no deadline. */
  readonly approval?: string
  /** So many seconds pass and nothing of the stage fails. */
  readonly bakeSeconds?: number
}

/** What to do when a rollout fails. */
export type OnFailure =
  /** Stop, and wait for somebody. */
  | 'pause'
  /** Go back to a release that has succeeded before; pause where there is none, or where this fails, too. */
  | 'rollback'

/** What decides the order in which instances are replaced. */
export type Preference =
  /** Those with this label and value come after all others are done: a primary, which so moves once. */
  | {
    readonly last: {
      /** The label, e.g. `role`. */
      readonly key: string
      /** Its value, e.g. `primary`. */
      readonly value: string
    }
  }
  /** Those with this label and value come first, and the others once these are done. */
  | {
    readonly first: {
      /** The label. */
      readonly key: string
      /** Its value. */
      readonly value: string
    }
  }
  /** One value of the label after the other, in the order of the values; those without it last. `rack by rack`. */
  | { readonly oneByOne: string }
  /** One zone after the other, in the order of their names. */
  | 'zoneByZone'
  /** Those with a lower deletion cost come first. */
  | 'deletionCost'
  /** The oldest come first, as they do where nothing is preferred. */
  | 'oldest'
  /** The youngest come first. */
  | 'newest'
  /** Those in the highest slots come first, by the number that the slot ends in: a `StatefulSet`'s order. */
  | 'highestSlot'

/** Why an instance is replaced, launched or retired. */
export type Reason =
  /** Its files are not those of its image. */
  | 'compromised'
  /** It has failed. */
  | 'failed'
  /** It runs another image than the release's. */
  | 'image'
  /** It runs the image, but otherwise than the release says. */
  | 'config'
  /** It was named. */
  | 'named'
  /** There are fewer than desired. */
  | 'missing'
  /** There are more than desired. */
  | 'extra'

/** What a budget counts. */
export type Scope =
  /** The service. */
  | 'fleet'
  /** Each zone for itself. */
  | 'zone'
  /** One zone. */
  | { readonly inZone: string }
  /** Each value of a label for itself. An instance without the label is in none. */
  | { readonly label: string }
  /** What has this label with this value. */
  | {
    readonly withLabel: {
      /** The label. */
      readonly key: string
      /** Its value. */
      readonly value: string
    }
  }
  /** These services together, the one whose policy it stands in among them or not. */
  | { readonly services: readonly string[] }

/** Which instances are replaced. */
export type Select =
  /**
   * All that are not what the release says: another image, run otherwise, compromised, failed. The number of
   * instances is brought to the release's, too.
   */
  | 'drifted'
  /** Those with these ids, drifted or not, and nothing else: the number of instances stays. */
  | { readonly named: readonly string[] }
  /** Of those that drifted, all but the ones with these ids. The number of instances is brought to the release's, too. */
  | { readonly except: readonly string[] }
  /** Those that are compromised or failed, and nothing else: the number of instances stays. */
  | 'broken'

/** In which zones instances are launched. */
export type Spread =
  /** A replacement in the zone of what it replaces; further ones where there are fewest. */
  | 'keep'
  /**
   * Replacements move from the fullest zones to the emptiest until all are as full as one another. What is not
   * replaced stays where it is.
   */
  | 'even'

/** A part of a canary. */
export interface CanaryStep {
  /** How many of the desired run the new release when the step is done, those of earlier steps included. */
  readonly amount: number | string
  /** What must hold before the next step begins. */
  readonly gate?: Gate
  /** How much of the traffic goes to them then, of a hundred. Where none is stated, instances share it evenly. */
  readonly weight?: number
}

/** In what manner instances are replaced. All of them become stages of replacements. */
export type Strategy =
  /** One after the other, as the budgets allow. */
  | 'rolling'
  /** Rolling, with a gate after each step. */
  | { readonly canary: readonly CanaryStep[] }
  /**
   * All of the new beside all of the old, then traffic is switched, then the old are retired. Where no budget states
   * a ceiling, twice the desired number is one.
   */
  | { readonly blueGreen: BlueGreen }
  /** All of the old are retired, then the new are launched. Where no budget states a floor, there is none. */
  | 'recreate'

/** A time that comes again and again: it opens when a cron schedule says so, and stays open for so long. */
export interface WindowJSON {
  /** How long it stays open, in seconds; 1 or more. */
  readonly durationSeconds: number
  /** When it opens: minute, hour, day of month, month, day of week, as in crontab(5). */
  readonly schedule: string
  /** The IANA time zone that the schedule is meant in, e.g. `Europe/Vienna`. */
  readonly timeZone: string
}

/** How the fleet of a service may be replaced. */
export interface PolicyJSON {
  /** The services that must be done first. */
  readonly after?: readonly string[]
  /** How often a launch is tried: 1 where nothing is stated. Must not be 0. */
  readonly attempts?: number
  /** What must hold before anything is done. */
  readonly before?: Gate
  /** When to stop and ask. */
  readonly breakers?: Breakers
  /** What capacity must stay within; all of them hold at once. */
  readonly budgets?: readonly Budget[]
  /** What becomes of an instance whose files are not those of its image. */
  readonly compromised?: Compromised
  /** How long a retired instance has to finish what it does: 30 where nothing is stated. */
  readonly drainSeconds?: number
  /** A new instance counts as available once it has been ready for so long without a break. */
  readonly minReadySeconds?: number
  /** What to do when a replacement, an analysis or a breaker fails. */
  readonly onFailure?: OnFailure
  /**
   * In what order instances are replaced, the first preference first. After them: compromised, failed, not ready,
   * drifted; by zone balance, age and id.
   */
  readonly order?: readonly Preference[]
  /** A new instance that is not available after so long has failed: 600 where nothing is stated. */
  readonly progressDeadlineSeconds?: number
  /** What is replaced. */
  readonly select?: Select
  /** The service that it is for; any, where none is named. */
  readonly service?: string
  /** Where missing instances are launched. */
  readonly spread?: Spread
  /** In what manner instances are replaced. */
  readonly strategy?: Strategy
  /** Work is begun only while one of these is open; at any time, where there is none. What was begun is finished. */
  readonly windows?: readonly WindowJSON[]
  /** The zones to launch in; where none is named, those that the fleet is in. */
  readonly zones?: readonly string[]
}
