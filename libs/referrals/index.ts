export * from './referral.commands.js';
export * from './referral.js';
export * from './referral.policy.js';
export * from './referral.watch.js';
export * from './referrals.projection.js';
