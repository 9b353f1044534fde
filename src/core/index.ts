/**
 * All decisions: what is a trip, what is harsh braking, what does it cost. Pure code. To run it
 * elsewhere, bundle this file: `esbuild src/core/index.ts --bundle --platform=neutral`.
 */
export { advance, decodeState, emptyState, encodeState, openTrip } from './advance.ts';
export type { DeviceState, FoldContext } from './advance.ts';
export { foldAll } from './fold-all.ts';
export { createRulesTimeline, newestRules, rulesByVersion } from './rules.ts';
export { decodeRecord } from './decode/record.ts';
export { scoreHabits } from './habits/score.ts';
export { addParts, summarise } from './habits/summary.ts';
export {
  momentumScore,
  samsaraScore,
  scoreByOthers,
  teslaScoreV1,
} from './habits/published-scores.ts';
export { explainFlag } from './habits/why.ts';
export { findLongDriving } from './habits/long-driving.ts';
export { quote } from './premium/rating/quote.ts';
export { parseTariffText } from './premium/tariff/tariff.ts';
