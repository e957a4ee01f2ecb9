import Foundation
package enum BatchNormalization {
  package static func statistics(_ x: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafeMutablePointer<Float>, variance: UnsafeMutablePointer<Float>) {
    for c in 0..<channels {
      var s = 0.0, q = 0.0
      for r in 0..<rows { s += Double(x[r*channels+c]) }
      let m = s / Double(rows)
      for r in 0..<rows { let d = Double(x[r*channels+c]) - m; q += d*d }
      mean[c] = Float(m); variance[c] = Float(q / Double(rows))
    }
  }
  package static func apply(_ x: UnsafePointer<Float>, rows: Int, channels: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool, output: UnsafeMutablePointer<Float>) {
    for r in 0..<rows { for c in 0..<channels { let i = r*channels+c
      var v = x[i]*scale[c]+shift[c]; if let addend { v += addend[i] }; if relu, v < 0 { v = 0 }; output[i] = v } }
  }
  package static func parameterGradients(_ x: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafePointer<Float>, inverseStandardDeviation: UnsafePointer<Float>, gammaGradient: UnsafeMutablePointer<Float>, betaGradient: UnsafeMutablePointer<Float>) {
    for c in 0..<channels { var g = 0.0, b = 0.0
      for r in 0..<rows { let i = r*channels+c; b += Double(outputGradient[i]); g += Double(outputGradient[i]) * Double(x[i]-mean[c]) }
      gammaGradient[c] = Float(g * Double(inverseStandardDeviation[c])); betaGradient[c] = Float(b) }
  }
  package static func inputGradient(_ x: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, rows: Int, channels: Int, mean: UnsafePointer<Float>, inverseStandardDeviation: UnsafePointer<Float>, gamma: UnsafePointer<Float>, gammaGradient: UnsafePointer<Float>, betaGradient: UnsafePointer<Float>, addend: UnsafePointer<Float>?, gate: UnsafePointer<Float>?, inputGradient: UnsafeMutablePointer<Float>) {
    let n = Float(rows)
    for r in 0..<rows { for c in 0..<channels { let i = r*channels+c
      var v = gamma[c]*inverseStandardDeviation[c]*(outputGradient[i]-betaGradient[c]/n-(x[i]-mean[c])*inverseStandardDeviation[c]*gammaGradient[c]/n)
      if let addend { v += addend[i] }; if let gate, !(gate[i] > 0) { v = 0 }; inputGradient[i] = v } }
  }
}
package enum Elementwise {
  package static func scaleGradient(_ dy: UnsafePointer<Float>, rows: Int, channels: Int, scale: UnsafePointer<Float>, addend: UnsafePointer<Float>?, gate: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>) {
    for r in 0..<rows { for c in 0..<channels { let i = r*channels+c
      var v = dy[i]*scale[c]; if let addend { v += addend[i] }; if let gate, !(gate[i] > 0) { v = 0 }; output[i] = v } }
  }
  package static func addGated(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>?, gate: UnsafePointer<Float>?, count: Int, output: UnsafeMutablePointer<Float>) {
    for i in 0..<count { var v = a[i]; if let b { v += b[i] }; if let gate, !(gate[i] > 0) { v = 0 }; output[i] = v }
  }
  package static func firstNonFinite(_ x: UnsafePointer<Float>, count: Int) -> Int? { for i in 0..<count where !x[i].isFinite { return i }; return nil }
}
package struct PoolingShape: Hashable, Sendable {
  package var height, width, channels, kernel, stride, padding: Int
  package init(height: Int, width: Int, channels: Int, kernel: Int, stride: Int, padding: Int) { self.height = height; self.width = width; self.channels = channels; self.kernel = kernel; self.stride = stride; self.padding = padding }
  package var outputHeight: Int { (height + 2*padding - kernel)/stride + 1 }
  package var outputWidth: Int { (width + 2*padding - kernel)/stride + 1 }
}
package enum Pooling {
  package static func maxForward(_ input: UnsafePointer<Float>, shape s: PoolingShape, batch: Int, output: UnsafeMutablePointer<Float>, argmax: UnsafeMutablePointer<UInt8>?) {
    for n in 0..<batch { for y in 0..<s.outputHeight { for x in 0..<s.outputWidth { for c in 0..<s.channels {
      var best = -Float.infinity, arg = 0
      for ky in 0..<s.kernel { for kx in 0..<s.kernel { let iy = y*s.stride+ky-s.padding, ix = x*s.stride+kx-s.padding
        guard iy >= 0, ix >= 0, iy < s.height, ix < s.width else { continue }
        let v = input[((n*s.height+iy)*s.width+ix)*s.channels+c]; if v > best { best = v; arg = ky*s.kernel+kx } } }
      let o = ((n*s.outputHeight+y)*s.outputWidth+x)*s.channels+c; output[o] = best; argmax?[o] = UInt8(arg) } } } }
  }
  package static func maxBackward(_ g: UnsafePointer<Float>, argmax: UnsafePointer<UInt8>, shape s: PoolingShape, batch: Int, gate: UnsafePointer<Float>?, inputGradient: UnsafeMutablePointer<Float>) {
    let count = batch*s.height*s.width*s.channels
    inputGradient.update(repeating: 0, count: count)
    for n in 0..<batch { for y in 0..<s.outputHeight { for x in 0..<s.outputWidth { for c in 0..<s.channels {
      let o = ((n*s.outputHeight+y)*s.outputWidth+x)*s.channels+c; let a = Int(argmax[o])
      let iy = y*s.stride+a/s.kernel-s.padding, ix = x*s.stride+a%s.kernel-s.padding
      inputGradient[((n*s.height+iy)*s.width+ix)*s.channels+c] += g[o] } } } }
    if let gate { for i in 0..<count where !(gate[i] > 0) { inputGradient[i] = 0 } }
  }
  package static func globalAverageForward(_ input: UnsafePointer<Float>, pixels: Int, channels: Int, batch: Int, output: UnsafeMutablePointer<Float>) {
    for n in 0..<batch { for c in 0..<channels { var s: Float = 0; for p in 0..<pixels { s += input[(n*pixels+p)*channels+c] }; output[n*channels+c] = s / Float(pixels) } }
  }
  package static func globalAverageBackward(_ g: UnsafePointer<Float>, pixels: Int, channels: Int, batch: Int, gate: UnsafePointer<Float>?, inputGradient: UnsafeMutablePointer<Float>) {
    for n in 0..<batch { for p in 0..<pixels { for c in 0..<channels { let i = (n*pixels+p)*channels+c; var v = g[n*channels+c] / Float(pixels); if let gate, !(gate[i] > 0) { v = 0 }; inputGradient[i] = v } } }
  }
}
package enum Linear {
  package static func forward(_ input: UnsafePointer<Float>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, batch: Int, inputs: Int, outputs: Int, output: UnsafeMutablePointer<Float>) {
    for n in 0..<batch { for o in 0..<outputs { var s = bias[o]; for i in 0..<inputs { s += input[n*inputs+i]*weights[o*inputs+i] }; output[n*outputs+o] = s } }
  }
  package static func inputGradient(_ g: UnsafePointer<Float>, weights: UnsafePointer<Float>, batch: Int, inputs: Int, outputs: Int, inputGradient: UnsafeMutablePointer<Float>) {
    for n in 0..<batch { for i in 0..<inputs { var s: Float = 0; for o in 0..<outputs { s += g[n*outputs+o]*weights[o*inputs+i] }; inputGradient[n*inputs+i] = s } }
  }
  package static func parameterGradients(_ input: UnsafePointer<Float>, outputGradient g: UnsafePointer<Float>, batch: Int, inputs: Int, outputs: Int, weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>) {
    for o in 0..<outputs { var b: Float = 0; for n in 0..<batch { b += g[n*outputs+o] }; biasGradient[o] = b
      for i in 0..<inputs { var s: Float = 0; for n in 0..<batch { s += g[n*outputs+o]*input[n*inputs+i] }; weightGradient[o*inputs+i] = s } }
  }
}
package enum CrossEntropy {
  package static func lossesAndGradient(_ logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>, batch: Int, classes: Int, smoothing: Float, gradientScale: Float, losses: UnsafeMutablePointer<Float>?, gradient: UnsafeMutablePointer<Float>?) {
    for n in 0..<batch { let l = logits + n*classes; var m = l[0]; for c in 1..<classes { m = max(m, l[c]) }
      var s = 0.0; for c in 0..<classes { s += exp(Double(l[c]-m)) }; let lse = Double(m) + log(s)
      var sum = 0.0
      for c in 0..<classes { let t = Double(smoothing)/Double(classes) + (c == Int(labels[n]) ? 1-Double(smoothing) : 0)
        sum += t*(lse-Double(l[c])); gradient?[n*classes+c] = gradientScale*Float(exp(Double(l[c])-lse)-t) }
      losses?[n] = Float(sum) }
  }
  package static func correct(_ logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>, batch: Int, classes: Int, top: Int) -> Int {
    var k = 0
    for n in 0..<batch { let l = logits + n*classes, y = Int(labels[n]); if l[y].isNaN { continue }
      var rank = 0; for c in 0..<classes where l[c] > l[y] || (l[c] == l[y] && c < y) { rank += 1 }; if rank < top { k += 1 } }
    return k
  }
  package static func prediction(_ l: UnsafePointer<Float>, classes: Int) -> Int { var b = 0; for c in 1..<classes where l[c] > l[b] { b = c }; return b }
}
package enum StochasticGradientDescent {
  package static func update(parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, momentumBuffer: UnsafeMutablePointer<Float>, count: Int, learningRate: Float, momentum: Float, nesterov: Bool, weightDecay: Float, gradientScale: Float) {
    for i in 0..<count { let g = gradients[i]*gradientScale + weightDecay*parameters[i]; let v = momentum*momentumBuffer[i]+g; momentumBuffer[i] = v; parameters[i] -= learningRate*(nesterov ? g+momentum*v : v) }
  }
}
