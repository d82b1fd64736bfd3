/**
 * What Redis does in one step for a dispatcher or a host, as scripts of its own language. bullmq.ts runs them.
 *
 * Each chunk has a stamp, the name of its job: the dispatcher that has put or adopted it, and the start of the server at which
 * it did so. A host begins a chunk only if both are those of now. So what an earlier dispatcher puts late begins nowhere, and
 * neither does what is in a server that may have forgotten something: one that was started again from a file, or a replica that
 * has taken over. The dispatcher finds such chunks missing, and puts them again.
 *
 * The witness is a key that is lost whenever anything is. Its dispatcher has set it, and finds it gone.
 */

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface Script {
  readonly text: string;
  readonly sum: string;
}

const script = (text: string): Script => ({ text, sum: createHash('sha1').update(text).digest('hex') });

/** Has the server run a script, of which it keeps the text: mostly, only the sum is sent. */
export async function run(
  redis: Redis,
  { text, sum }: Script,
  keys: readonly string[],
  ...args: readonly string[]
): Promise<unknown> {
  try {
    return await redis.evalsha(sum, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(text, keys.length, ...keys, ...args);
  }
}

/**
 * The start of the server that a script runs on: each has another one. One that was a replica in between has another history, too.
 */
const SERVER = `
local server = (string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '') .. '.' ..
  (string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or '')`;

/**
 * Takes or keeps the token. KEYS: the token's key, and the owner's. ARGV: the token, its time in milliseconds, and whether its
 * dispatcher owns the chunks. Returns the start of the server; nothing if another dispatcher has the token, or has had it since.
 */
export const CLAIM: Script = script(`${SERVER}
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return false end
local owner = redis.call('GET', KEYS[2])
if ARGV[3] == '1' and owner and owner ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[3] == '1' then redis.call('SET', KEYS[2], ARGV[1]) end
return server`);

/**
 * Gives the token back. KEYS: the token's key, the owner's and the notice's. ARGV: the token, and the notice, if there is another
 * one. It doesn't change whether the queue is whole.
 */
export const RESIGN: Script = script(`${SERVER}
if (redis.call('GET', KEYS[1]) or redis.call('GET', KEYS[2])) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[2] == '' then return 1 end
local notice = redis.call('GET', KEYS[3])
local isWhole = notice and string.sub(notice, 1, #server + 2) == server .. ' 1'
redis.call('SET', KEYS[3], server .. (isWhole and ' 1' or ' 0') .. ARGV[2])
return 1`);

/**
 * KEYS: the keys of token, notice and witness, and that of the queue's settings. ARGV: the token, the notice, the last number of
 * ADOPT, and 1 if the queue has all that it should have, which stands only if the witness does. An emptied queue has forgotten
 * that it is to keep no events, which have results in them.
 */
export const PUBLISH: Script = script(`${SERVER}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local witness = ARGV[1] .. ' ' .. server .. ' ' .. ARGV[3]
if ARGV[4] == '1' and redis.call('GET', KEYS[3]) ~= witness then return 0 end
redis.call('HSET', KEYS[4], 'opts.maxLenEvents', 0)
redis.call('SET', KEYS[2], server .. ' ' .. ARGV[4] .. ARGV[2])
redis.call('SET', KEYS[3], witness)
return 1`);

/**
 * KEYS: the notice's. Returns 1 if the queue has all that it should have, or 0, and the notice; nothing if there is none of this
 * start of the server.
 */
export const NOTICE: Script = script(`${SERVER}
local notice = redis.call('GET', KEYS[1])
if not notice or string.sub(notice, 1, #server + 1) ~= server .. ' ' then return false end
return string.sub(notice, #server + 2)`);

/**
 * Takes out the chunks that no host holds, but for those that one may have all the same: these are found missing. KEYS: the token's
 * key, what waits, and what is active. ARGV: the token, and what the key of a chunk begins with. Returns id and report of each.
 */
export const WITHDRAW: Script = script(`${SERVER}
local taken = {}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return taken end
for at = 2, 3 do
  for _, id in ipairs(redis.call('LRANGE', KEYS[at], 0, -1)) do
    local key = ARGV[2] .. id
    local job = redis.call('HMGET', key, 'name', 'progress')
    if job[1] == ARGV[1] .. ' ' .. server and redis.call('EXISTS', key .. ':lock') == 0 then
      table.insert(taken, id)
      table.insert(taken, job[2] or '')
      redis.call('LREM', KEYS[at], 1, id)
      redis.call('DEL', key)
    end
  end
end
return taken`);

/**
 * Takes out chunks, but for those that hosts hold. KEYS: the token's key, what is completed, what waits, and what is active. ARGV: the
 * token, what the key of a chunk begins with, and ids.
 */
export const FORGET: Script = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for at = 3, #ARGV do
  local id = ARGV[at]
  local key = ARGV[2] .. id
  if redis.call('ZREM', KEYS[2], id) == 1 then redis.call('DEL', key)
  elseif redis.call('EXISTS', key) == 1 and redis.call('EXISTS', key .. ':lock') == 0 then
    redis.call('LREM', KEYS[3], -1, id)
    redis.call('LREM', KEYS[4], -1, id)
    redis.call('DEL', key)
  end
end
return 1`);

/**
 * Makes all chunks those of this dispatcher; takes out those that wait and have no report, or may be in the hands of a host
 * though they wait here. KEYS: the keys of token, owner, notice and witness; what waits, what is active, what is completed. ARGV: the
 * token, what the key of a chunk begins with, and a number that is one more than when an answer to this has come last, from 1:
 * a question that is sent again must not be taken for the next one. Returns 1 if the queue has forgotten something since the
 * notice, and since the last answer; how many chunks are left that are not completed; and the ids of all that are left, those
 * first. Returns nothing if another dispatcher has the token.
 */
export const ADOPT: Script = script(`${SERVER}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('SET', KEYS[2], ARGV[1])
local notice = redis.call('GET', KEYS[3])
local isWhole = notice and string.sub(notice, 1, #server + 2) == server .. ' 1'
local stamp = ARGV[1] .. ' ' .. server
local isKnown = redis.call('GET', KEYS[4]) == stamp .. ' ' .. (ARGV[3] - 1)
redis.call('SET', KEYS[4], stamp .. ' ' .. ARGV[3])
local left = { (isWhole or isKnown) and '' or '1', 0 }
local function add(id)
  local key = ARGV[2] .. id
  if redis.call('EXISTS', key) == 0 then return end
  if isWhole then redis.call('HSET', key, 'name', stamp) end
  table.insert(left, id)
end
for _, id in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
  local report = redis.call('HGET', ARGV[2] .. id, 'progress')
  if isWhole and report and string.sub(report, 1, 1) == '"' then add(id)
  else
    redis.call('LREM', KEYS[5], 1, id)
    redis.call('DEL', ARGV[2] .. id)
  end
end
for _, id in ipairs(redis.call('LRANGE', KEYS[6], 0, -1)) do add(id) end
left[2] = #left - 2
for _, id in ipairs(redis.call('ZRANGE', KEYS[7], 0, -1)) do add(id) end
return left`);

/**
 * KEYS: the token's key, what waits, and what is active. ARGV: the token, what the key of a chunk begins with, and ids. Takes out
 * chunks that no host holds and that none may begin. Returns the ids of chunks that aren't there.
 */
export const MISSING: Script = script(`${SERVER}
local missing = {}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return missing end
local function isTakenOut(id, key)
  if redis.call('LREM', KEYS[2], -1, id) == 1 then return true end
  return redis.call('EXISTS', key .. ':lock') == 0 and redis.call('LREM', KEYS[3], -1, id) == 1
end
for at = 3, #ARGV do
  local id = ARGV[at]
  local key = ARGV[2] .. id
  local stamp = redis.call('HGET', key, 'name')
  if not stamp then table.insert(missing, id)
  elseif stamp ~= ARGV[1] .. ' ' .. server and isTakenOut(id, key) then
    redis.call('DEL', key)
    table.insert(missing, id)
  end
end
return missing`);

/**
 * A host has taken a chunk. KEYS: the owner's key, the chunk's and that of its lock, what is active, and what may be stalled. ARGV:
 * the host's token, and the chunk's id. Returns 1 if the host may begin it. If not, takes it out.
 */
export const MAY_BEGIN: Script = script(`${SERVER}
local owner = redis.call('GET', KEYS[1]) or ''
if redis.call('HGET', KEYS[2], 'name') == owner .. ' ' .. server then return 1 end
if redis.call('GET', KEYS[3]) == ARGV[1] then
  redis.call('LREM', KEYS[4], 1, ARGV[2])
  redis.call('SREM', KEYS[5], ARGV[2])
  redis.call('DEL', KEYS[2], KEYS[3])
end
return 0`);

/** KEYS: the chunk's key, and that of its lock. ARGV: the host's token, and the report. Returns 0 if the host has lost the chunk. */
export const REPORT: Script = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'progress', ARGV[2])
return 1`);

/** Notes a host, by the server's clock. KEYS: the hosts'. ARGV: the host. */
export const PRESENT: Script = script(`redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])`);

/** KEYS: the hosts'. ARGV: after how many seconds of silence a host is gone. Returns the others. */
export const HOSTS: Script = script(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] - ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)`);
