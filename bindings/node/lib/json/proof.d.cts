// What is shown of plans, and why there is none. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

import type { Reason } from './policy.cjs'

/** One of the constraints in conflict. */
export interface Constraint {
  /** The least change of it alone that would help. */
  readonly advice?: string
  /** What it demands. */
  readonly demand: string
  /** Where it stands: a limit's name, or the member of a document. */
  readonly name: string
}

/** What kind of conflict it is: stable text, the same in every language. Never reused. */
export type InfeasibleCode =
  /** Budgets leave room neither above nor below for a replacement that has to be made. */
  | 'budgets-in-conflict'
  /** A floor is higher than what there will be. */
  | 'floor-unreachable'
  /** The strategy needs what a budget forbids. */
  | 'strategy-in-conflict'
  /** Services wait for each other. */
  | 'dependency-cycle'
  /** A service is named that is not among those planned. */
  | 'unknown-service'
  /** An instance is named that is not in the fleet. */
  | 'unknown-instance'
  /** The documents do not belong together: one fleet, release and policy for each service. */
  | 'mismatch'
  /** A release asks for a million copies more than there are instances. */
  | 'too-many-replicas'

/** Why there is no plan: the smallest set of constraints that cannot all hold, found before anything is touched. */
export interface Infeasible {
  /** What kind of conflict it is. */
  readonly code: InfeasibleCode
  /** The constraints in conflict. If any one of them were not there, this conflict would not be. */
  readonly conflict: readonly Constraint[]
  /** What would have to be done, and cannot. */
  readonly what: string
}

/** What kind of fault a plan has: stable text, the same in every language. Never reused. */
export type ViolationCode =
  /** It was made for other documents, or they do not belong together. */
  | 'documents-differ'
  /** It is not a plan that can be read: its format, or the order of its stages. */
  | 'malformed'
  /** It has more stages than can be proved: 16,384. */
  | 'too-many-stages'
  /** A budget or a dependency names a service that is not planned. */
  | 'service-unknown'
  /** A budget of a policy is not among the limits. */
  | 'limit-missing'
  /** A limit allows more than the budget that it stands for. */
  | 'limit-too-lax'
  /** A limit says wrongly how many instances there will be. */
  | 'limit-miscounted'
  /** An instance is retired that is not there, or is going already. */
  | 'retires-unknown'
  /** An instance is retired twice. */
  | 'retired-twice'
  /** An instance is retired that was to be kept. */
  | 'retires-kept'
  /** An instance is kept that was to be replaced. */
  | 'left-behind'
  /** There are more or fewer instances in the end than desired. */
  | 'count-differs'
  /** A replacement is made for a reason that is not so. */
  | 'reason-untrue'
  /** An instance is said to be where it is not. */
  | 'zone-differs'
  /** An instance is called by a name that is not its own. */
  | 'name-differs'
  /** An instance is launched in a zone in which none may be. */
  | 'zone-not-allowed'
  /** Something else becomes of a retired instance than the policy says. */
  | 'disposal-differs'
  /** What replaces an instance does not inherit its slot. */
  | 'slot-lost'
  /** An instance is launched in a slot that another one holds, or may hold, then. */
  | 'slot-taken'
  /** What replaces an instance is counted by other limits, because its labels differ. */
  | 'labels-differ'
  /** A service begins before one that it comes after is done. */
  | 'service-too-early'
  /** A gate that the policy demands is not there. */
  | 'gate-missing'
  /** Work begins without the approval that a breaker demands. */
  | 'approval-missing'
  /** More instances run the new release than the step of a canary allows. */
  | 'step-too-large'
  /** Fewer instances run the new release than the step of a canary says. */
  | 'step-too-small'
  /** Something old is retired before traffic was switched to all that is new. */
  | 'retires-before-switch'
  /** Something is launched before all that is old is gone. */
  | 'launches-before-retired'
  /** What has to wait until others are done does not. */
  | 'barrier-crossed'
  /** A wave does more than limits allow. */
  | 'wave-breaks-limit'
  /** A wave is numbered before one that it comes after. */
  | 'wave-out-of-order'
  /** A floor is above, or a ceiling below, what there is in the end. */
  | 'ends-outside-limit'
  /** There may be an order of events after which nothing more can be done: no reason was found why there is none. */
  | 'stuck'
  /** An action leaves fewer available than a floor. */
  | 'floor-broken'
  /** An action makes more present than a ceiling. */
  | 'ceiling-broken'
  /** An action is one more under way than a limit allows at once. */
  | 'in-flight-broken'
  /** Something is launched that is of no release. */
  | 'wrong-revision'
  /** A launch is asked for again after it was answered. */
  | 'launched-twice'
  /** The rollout goes on and can neither end nor pause. */
  | 'endless'
  /** A journal of what happened gives another state. */
  | 'not-resumable'

/** Why a plan is not safe, or not what was asked for: the first reason that was found, and how to get there. */
export interface Violation {
  /** What kind of fault it is. */
  readonly code: ViolationCode
  /** What is wrong, in a sentence. */
  readonly message: string
  /** The position of the replacement in that stage, from 0. */
  readonly replacement?: number
  /** The position of the stage that it is in, from 0. */
  readonly stage?: number
  /** The steps that lead there, the first one first. */
  readonly trace?: readonly string[]
}

/** What a proof takes for granted: stable text, the same in every language. Never reused. */
export type Assumption =
  /** What is launched becomes ready and stays so; where it does not, the rollout stops or goes back. */
  | 'launched-become-ready'
  /** What is terminating already goes. */
  | 'terminating-go'
  /** What is kept and not ready yet becomes ready. */
  | 'kept-become-ready'
  /** What is down and to be replaced stays down until it is. */
  | 'down-stay-down'
  /** Limits that hold in a window only do not hold at some time. */
  | 'windows-close'
  /** Gates open: analyses are passed, and somebody approves. */
  | 'gates-open'

/** How far capacity can get in the scope of a limit by what the plan does. */
export interface Held {
  /** No fewer are ever available, but for those that fail by themselves. */
  readonly leastAvailable: number
  /** The limit's name. */
  readonly limit: string
  /** No more are ever present. */
  readonly mostPresent: number
}

/** How a plan was proved to be safe. */
export type ProofMethod =
  /**
   * By induction over the plan: whatever was admitted holds what it may take until it is done, so no order in which
   * things happen breaks a limit; and in every order there is always something that can be done next, to the end.
   */
  | 'inductive'

/** What was shown of a plan, and under which assumptions. */
export interface Proof {
  /** What is not shown, but taken for granted. */
  readonly assumptions: readonly Assumption[]
  /** What holds for each limit, in the plan's order, in whatever order and however slowly things happen. */
  readonly limits: readonly Held[]
  /** How it was shown. */
  readonly method: ProofMethod
  /** How many replacements there are. */
  readonly replacements: number
  /** How many waves they take. */
  readonly waves: number
}

/** From when to when. */
export interface Interval {
  /** The beginning; none where it never began. */
  readonly fromMillis: number | null
  /** The end; none where it was never done. */
  readonly toMillis: number | null
}

/** One instance from its launch to its end. */
export interface InstanceLife {
  /** When it became available; none where it was from the beginning, or never. */
  readonly availableMillis: number | null
  /** When it was gone, or had failed to launch. */
  readonly goneMillis: number | null
  /** Its id; made up for those that were launched. */
  readonly instance: string
  /** When it was launched; none where it was there before. */
  readonly launchedMillis: number | null
  /** Whether it is of the release that is rolled out. */
  readonly new: boolean
  /** Why it is launched or retired; none for one that stays. */
  readonly reason: Reason | null
  /** When it was taken out of service. */
  readonly retiredMillis: number | null
  /** Its service. */
  readonly service: string
  /** Its zone. */
  readonly zone: string
}

/** What a limit counts, from a moment on until the next sample. */
export interface Sample {
  /** From when on. */
  readonly atMillis: number
  /** How many of them are available. */
  readonly available: number
  /** How many instances there are. */
  readonly present: number
}

/** What a simulated rollout did, moment by moment. Times are milliseconds from its beginning. */
export interface Timeline {
  /** Capacity over time, for each limit of the plan, in the plan's order. */
  readonly capacity: readonly (readonly Sample[])[]
  /** Each instance that was there, in the order in which they came: those that were there before by id. */
  readonly lives: readonly InstanceLife[]
  /** When it ended. */
  readonly makespanMillis: number
  /** How it ended, as the rollout's status says. */
  readonly outcome: string
  /** When each stage began and was done, in the plan's order. */
  readonly stages: readonly Interval[]
}

/** A number of milliseconds; each as likely as the others. */
export interface Between {
  /** At least. */
  readonly least: number
  /** At most. */
  readonly most: number
}

/** How long things take, and how often they fail. */
export interface World {
  /** Milliseconds that shifting traffic takes, an analysis, and somebody who is asked. */
  readonly answerMillis?: Between
  /** How many launches of a thousand fail. */
  readonly failuresInAThousand?: number
  /** Milliseconds from asking for a launch to the instance. */
  readonly launchMillis?: Between
  /** Milliseconds from the instance to its being ready. */
  readonly readyMillis?: Between
  /** Milliseconds from asking an instance to go to its being gone. */
  readonly retireMillis?: Between
  /** What chance begins with. */
  readonly seed?: number
}

/** What was explored, and found to be right. */
export interface Exploration {
  /**
   * Whether these are all states that can be reached with so many faults. If not, nothing is said of the others, nor
   * whether the rollout ends.
   */
  readonly exhaustive: boolean
  /** How many states were looked at. */
  readonly states: number
  /** How many of them are ends. */
  readonly ends: number
  /** In how many of them it waits for somebody. */
  readonly pauses: number
  /** How many things could go wrong on one way. */
  readonly faults: number
}

/** How many waves a plan has, and the fewest that any plan could have. */
export interface Bounds {
  /** Waves of the plan. */
  readonly waves: number
  /** No plan within the same limits has fewer. */
  readonly leastWaves: number
  /** No execution within the same limits is through earlier, if nothing is faster than the world's least times. */
  readonly leastMakespanMillis: number
}
