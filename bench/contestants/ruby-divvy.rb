# The original, the gem divvy. It has no acks: what counts as done is what was handed out, and its time has the boot in it.
require 'divvy'
require 'json'

class Nothing
  include Divvy::Parallelizable

  def initialize(count)
    @count = count
  end

  def dispatch
    1.upto(@count) { |number| yield number }
  end

  def process(number)
  end
end

load = JSON.parse(ARGV[0])
began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
master = Divvy::Master.new(Nothing.new(load['count']), load['workers'])
master.run
seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
puts JSON.generate({ items: master.tasks_distributed, seconds: seconds, peakBytes: 0 })
