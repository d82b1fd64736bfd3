// Run before what needs a current Node.js. npm puts the one that comes with the devDependencies first on PATH for its
// scripts; it is there unless install scripts are switched off. Any Node.js must be able to read this file.
const wanted = require('./package.json').devDependencies.node;
if (process.versions.node !== wanted) {
  console.error(`This is Node.js ${process.versions.node}, not the ${wanted} of the devDependencies.
If npm's ignore-scripts is set, they are not whole. Install them so, and try again:
  npm ci --ignore-scripts=false`);
  process.exitCode = 1;
}
