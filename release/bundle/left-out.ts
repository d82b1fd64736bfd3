/** The parts of packages that the bundle does without. */

/**
 * What is imported for parts of packages that are not used here: of yeoman-environment its own prompts, its own reading
 * and writing of files, its search for installed generators, installing; of execa all but to run a program with streams as
 * Node.js has them, and to await its end. They are most of the size of these two, and of the time that they take to start.
 *
 * By importer and module: the names that are imported. Each throws when it is called, unless it says what it is instead:
 * these are called at the start or on the way, where they have nothing to do.
 */
export const leftOut: Record<string, Record<string, string[]>> = {
  'yeoman-environment': {
    '@yeoman/adapter': ['QueuedAdapter'],
    '@yeoman/transform': ['filePipeline', 'transform'],
    chalk: ['default'],
    'node:process': ['default = process'],
    debug: ['default = () => () => {}'],
    'mem-fs-editor': [],
    'mem-fs-editor/state': ['isFilePending'],
    'fly-import': ['flyImport', 'FlyRepository = class {}'],
    execa: ['execa', 'execaSync'],
    './generator-lookup.js': ['lookupGenerator', 'lookupGeneratorsSync'],
    './util/resolve.js': ['resolveModulePath'],
    './store.js': ['default = class {}'],
    './commit.js': ['commitSharedFsTask'],
    './package-manager.js': ['packageManagerInstallTask = () => {}'],
    './util/namespace.js': ['asNamespace', 'defaultLookups = []'],
    '@yeoman/namespace': ['requireNamespace', 'toNamespace'],
    // It picks the options of what is left out.
    'lodash-es': ['uniq', 'pick = () => ({})', 'defaults = () => ({})'],
  },
  // As a module of Node.js each of these takes a millisecond to load, for what is not used here.
  'package-manager-detector': {
    'node:process': ['default = process'],
    'node:fs/promises': [
      `default = (({ statSync, readFileSync }) => ({
        stat: async (path) => statSync(path),
        readFile: async (path, encoding) => readFileSync(path, encoding),
      }))(process.getBuiltinModule('node:fs'))`,
    ],
  },
  'mem-fs': { vinyl: ['default'], 'vinyl-file': ['vinylFileSync'] },
  // What a program prints is collected as bytes.
  'get-stream': {
    './stream.js': ['getAsyncIterable = (it) => it', 'nodeImports = {}'],
    './string.js': ['getStreamAsString'],
    './array.js': ['getStreamAsArray'],
  },
  execa: {
    './lib/methods/node.js': ['mapNode'],
    './lib/methods/script.js': ['mapScriptAsync', 'setScriptSync = undefined', 'deepScriptOptions = {}'],
    './lib/ipc/methods.js': ['getIpcExport = () => ({})'],
    './main-sync.js': ['execaCoreSync'],
    './template.js': ['parseTemplates', 'isTemplateString = () => false'],
    // The first to see the options: of those that the parts left out are for, it says so.
    '../methods/node.js': [
      `handleNodeOption = (file, argv, options) => {
        const { cwd, env, extendEnv, stdio, encoding, stripFinalNewline, reject, ...others } = options;
        const { maxBuffer, timeout, cancelSignal, forceKillAfterDelay, ...unknown } = others;
        if (stdio !== 'inherit' && !(stdio?.length === 3 && encoding === 'buffer' && stripFinalNewline === false))
          unknown['anything but bytes'] = stdio;
        for (const it in unknown) throw new Error(it + ' of execa is not in the bundle');
        return [file, argv, options];
      }`,
    ],
    './specific.js': [
      `normalizeFdSpecificOptions = ({ maxBuffer = 1e8, ...options }) => {
        const forEach = (value) => [value, value, value];
        return { ...options, lines: forEach(false), buffer: forEach(true), maxBuffer: forEach(maxBuffer) };
      }`,
    ],
    '../arguments/fd-options.js': ['SUBPROCESS_OPTIONS = new WeakMap()'],
    './cwd.js': ['normalizeCwd = (cwd) => cwd'],
    './encoding-option.js': ['validateEncoding = () => {}', "BINARY_ENCODINGS = new Set(['buffer'])"],
    './file-url.js': ['normalizeFileUrl = (it) => it'],
    '../arguments/file-url.js': ['safeNormalizeFileUrl = (it) => it'],
    'npm-run-path': ['npmRunPathEnv'],
    // Streams that are neither the program's own nor this one's, and what would change what goes through them.
    '../stdio/handle-async.js': [
      `handleStdioAsync = (options) => {
        if (options.stdio === 'inherit') options.stdio = ['inherit', 'inherit', 'inherit'];
        return ['input', 'output', 'output'].map((direction) => ({ direction, objectMode: false, stdioItems: [] }));
      }`,
    ],
    '../stdio/handle.js': ['cleanupCustomStreams = () => {}'],
    '../stdio/type.js': ['TRANSFORM_TYPES = undefined'],
    'is-stream': ['isStream'],
    '../io/output-async.js': ['pipeOutputAsync = () => {}'],
    '../io/strip-newline.js': ['stripNewline = (it) => it'],
    './strip-newline.js': ['getStripFinalNewline = () => false'],
    '../convert/add.js': ['addConvertedStreams = () => {}'],
    '../pipe/setup.js': ['pipeToSubprocess'],
    '../transform/encoding-transform.js': ['getEncodingTransformGenerator = () => {}'],
    '../transform/run-sync.js': ['transformChunkSync = (chunk) => [chunk]', 'finalChunksSync = () => []'],
    '../transform/split.js': ['getSplitLinesGenerator = () => {}'],
    '../resolve/all-async.js': ['makeAllStream = () => {}', 'getAllFds = () => []'],
    './all-async.js': ['waitForAllStream = () => {}'],
    '../resolve/all-sync.js': ['getAllSync = () => {}', 'getAllSyncFds = () => {}'],
    '../terminate/kill-descendants.js': [
      'getSpawnOptions = (options) => options',
      `getKillFunction = (child) => {
        const kill = child.kill.bind(child);
        return (signal) => child.pid !== undefined && kill(signal);
      }`,
    ],
    // The names of signals are checked by Node.js.
    '../terminate/signal.js': ['normalizeKillSignal = (it) => it', 'getSignalDescription = () => {}'],
    './signal.js': ['normalizeSignalArgument = (it) => it'],
    // Messages to and from a process that is run by Node.js.
    '../ipc/methods.js': ['addIpcMethods = () => {}'],
    '../ipc/outgoing.js': ['setIpcSubprocessOptions = () => {}'],
    '../ipc/ipc-input.js': ['validateIpcInputOption = () => {}', 'sendIpcInput = () => {}'],
    '../ipc/buffer-messages.js': [
      'waitForIpcOutput = ({ ipcOutput }) => ipcOutput',
      'getBufferedIpcOutput = (_, ipcOutput) => ipcOutput',
    ],
    '../terminate/graceful.js': ['validateGracefulCancel = () => {}', 'throwOnGracefulCancel = () => []'],
    // What it says and prints of its doings.
    '../arguments/command.js': ['handleCommand = () => ({})'],
    './message.js': ['createMessages = () => ({})', 'getErrorCode = (error) => error?.code'],
    './duration.js': ['getDurationMs = () => {}'],
    '../verbose/complete.js': ['logResult = () => {}'],
    '../verbose/output.js': ['logLines', 'shouldLogOutput = () => false'],
  },
};
