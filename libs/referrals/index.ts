export * from './referral.commands.js';
export * from './referral.js';
export * from './referral.policy.js';
export * from './referrals.projection.js';
