// What is left of an opportunity's confidence now: the same formula as services/dfp/aggregator/confidence.py.
// Decay is not sent; it follows from each member's as-of and half-life, counted in trading time. Times in nanoseconds.

const HOUR = 3_600e9;
const DAY = 24 * HOUR;
const SHANGHAI = 8 * HOUR;
const SESSIONS = [[9.5 * HOUR, 11.5 * HOUR], [13 * HOUR, 15 * HOUR]];

const passed = (time) => {
  const now = (time + SHANGHAI) % DAY;
  return SESSIONS.reduce((sum, [start, end]) => sum + Math.min(Math.max(now - start, 0), end - start), 0);
};

export const tradingTime = (from, to) => (to > from ? Math.max(0, passed(to) - passed(from)) : 0);

export function confidence(opportunity, now) {
  const at = Math.max(now, opportunity.as_of);
  const strongest = new Map();
  for (const member of opportunity.members) {
    if (member.expires <= at) continue;
    const left = member.confidence * 2 ** (-tradingTime(member.as_of, at) / member.half_life_ns);
    strongest.set(member.group, Math.max(strongest.get(member.group) ?? 0, left));
  }
  return 1 - [...strongest.values()].reduce((doubt, value) => doubt * (1 - value), 1);
}
