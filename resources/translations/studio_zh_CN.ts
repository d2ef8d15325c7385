<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>studio</name>
    <message>
        <source>% of original</source>
        <translation>占原始模型的 %</translation>
    </message>
    <message>
        <source>&amp;About Compression Studio…</source>
        <translation>关于 Compression Studio(&amp;A)…</translation>
    </message>
    <message>
        <source>&amp;Add step</source>
        <translation>添加步骤(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Clear recipe</source>
        <translation>清空配方(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Close model</source>
        <translation>关闭模型(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Duplicate step</source>
        <translation>复制步骤(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Export…</source>
        <translation>导出(&amp;E)…</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Filter layers</source>
        <translation>筛选层(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Fit graph</source>
        <translation>适应窗口(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Graph</source>
        <translation>计算图(&amp;G)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Keyboard shortcuts…</source>
        <translation>键盘快捷键(&amp;K)…</translation>
    </message>
    <message>
        <source>&amp;Measure the original</source>
        <translation>测量原始模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Netron</source>
        <translation>Netron(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Open model…</source>
        <translation>打开模型(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Open recipe…</source>
        <translation>打开配方(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Properties…</source>
        <translation>属性(&amp;P)…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Recipe</source>
        <translation>配方(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Redo {what}</source>
        <translation>重做 {what}(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Remove step</source>
        <translation>删除步骤(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Reset layout</source>
        <translation>重置布局(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Run</source>
        <translation>运行(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Save recipe…</source>
        <translation>保存配方(&amp;S)…</translation>
    </message>
    <message>
        <source>&amp;Settings…</source>
        <translation>设置(&amp;S)…</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>停止(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Undo {what}</source>
        <translation>撤销 {what}(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>0 to {most} values per bin, log</source>
        <translation>每个区间 0 至 {most} 个值，对数刻度</translation>
    </message>
    <message>
        <source>95 % interval {low} to {high}</source>
        <translation>95 % 区间 {low} 至 {high}</translation>
    </message>
    <message>
        <source>95th percentile</source>
        <translation>第 95 百分位数</translation>
    </message>
    <message>
        <source>99th percentile</source>
        <translation>第 99 百分位数</translation>
    </message>
    <message>
        <source>A file or a description…</source>
        <translation>文件或描述文件…</translation>
    </message>
    <message>
        <source>A folder…</source>
        <translation>文件夹…</translation>
    </message>
    <message>
        <source>A job is running. Quit and stop it?</source>
        <translation>有任务正在运行。要停止它并退出吗？</translation>
    </message>
    <message>
        <source>A recipe lists the steps that make the model smaller or faster, in order.</source>
        <translation>配方按顺序列出使模型更小或更快的步骤。</translation>
    </message>
    <message>
        <source>About Compression Studio</source>
        <translation>关于 Compression Studio</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>操作</translation>
    </message>
    <message>
        <source>Actions and their shortcuts</source>
        <translation>操作及其快捷键</translation>
    </message>
    <message>
        <source>Actions found</source>
        <translation>找到的操作</translation>
    </message>
    <message>
        <source>Activation</source>
        <translation>激活函数</translation>
    </message>
    <message>
        <source>Activations</source>
        <translation>激活值</translation>
    </message>
    <message>
        <source>Add a distill step</source>
        <translation>添加 distill 步骤</translation>
    </message>
    <message>
        <source>Add a step for the selected layers</source>
        <translation>为所选层添加步骤</translation>
    </message>
    <message>
        <source>Add an assistant</source>
        <translation>添加助教</translation>
    </message>
    <message>
        <source>Add step</source>
        <translation>添加步骤</translation>
    </message>
    <message>
        <source>Add {method}</source>
        <translation>添加 {method}</translation>
    </message>
    <message>
        <source>After</source>
        <translation>之后</translation>
    </message>
    <message>
        <source>Against the original</source>
        <translation>与原始模型相比</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>All channels</source>
        <translation>所有通道</translation>
    </message>
    <message>
        <source>All figures</source>
        <translation>所有数值</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>All layers</source>
        <translation>所有层</translation>
    </message>
    <message>
        <source>Along which axis of the tensor channels are counted</source>
        <translation>通道沿张量的哪个轴计数</translation>
    </message>
    <message>
        <source>Alt+Up and Alt+Down move a step, Delete removes it, Ctrl+C and Ctrl+V copy it</source>
        <translation>Alt+上/下移动步骤，Delete 删除，Ctrl+C 和 Ctrl+V 复制</translation>
    </message>
    <message>
        <source>Another ONNX file…</source>
        <translation>其他 ONNX 文件…</translation>
    </message>
    <message>
        <source>Answers to {total} rows differ by {median} (median), {most} at most</source>
        <translation>{total} 行的输出相差 {median}（中位数），最大 {most}</translation>
    </message>
    <message>
        <source>Any difference ({count})</source>
        <translation>任何差异 ({count})</translation>
    </message>
    <message>
        <source>Apache License 2.0. No telemetry: nothing leaves this machine.</source>
        <translation>Apache 许可证 2.0。无遥测：任何数据都不会离开本机。</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Apply the recipe and measure what every step cost</source>
        <translation>应用配方，并测量每一步的代价</translation>
    </message>
    <message>
        <source>Apply the step to the layers that are selected</source>
        <translation>将步骤应用于所选的层</translation>
    </message>
    <message>
        <source>Apply the steps and measure what each of them costs (F5)</source>
        <translation>应用各步骤并测量其代价 (F5)</translation>
    </message>
    <message>
        <source>Arrays</source>
        <translation>数组</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Assistants</source>
        <translation>助教</translation>
    </message>
    <message>
        <source>At least one loss is needed</source>
        <translation>至少需要一个损失</translation>
    </message>
    <message>
        <source>Attention</source>
        <translation>注意力</translation>
    </message>
    <message>
        <source>Audio</source>
        <translation>音频</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Axis of the channels</source>
        <translation>通道所在的轴</translation>
    </message>
    <message>
        <source>Back to the default, {value}</source>
        <translation>恢复默认值 {value}</translation>
    </message>
    <message>
        <source>Batch</source>
        <translation>批大小</translation>
    </message>
    <message>
        <source>Before</source>
        <translation>之前</translation>
    </message>
    <message>
        <source>Before and after</source>
        <translation>前后对比</translation>
    </message>
    <message>
        <source>Best held-out loss {value} at step {step}</source>
        <translation>最佳留出损失 {value}，第 {step} 步</translation>
    </message>
    <message>
        <source>Blocked so far: {count} request, to {host}.</source>
        <translation>至今已阻止 {count} 个请求，目标为 {host}。</translation>
    </message>
    <message>
        <source>Blocked so far: {count} requests, the last to {host}.</source>
        <translation>至今已阻止 {count} 个请求，最近一个的目标为 {host}。</translation>
    </message>
    <message>
        <source>Both answer every row alike.</source>
        <translation>两者在每一行上的输出都相同。</translation>
    </message>
    <message>
        <source>Bytes of all weights of the layer, as they are stored</source>
        <translation>该层所有权重按存储形式的字节数</translation>
    </message>
    <message>
        <source>Bytes of the layer after the recipe, predicted</source>
        <translation>应用配方后该层的字节数（预测）</translation>
    </message>
    <message>
        <source>Bytes of the layer's weights in the original</source>
        <translation>该层权重在原始模型中的字节数</translation>
    </message>
    <message>
        <source>Bytes of the layer's weights in the variant</source>
        <translation>该层权重在变体中的字节数</translation>
    </message>
    <message>
        <source>Calibrates on samples. None are chosen, so random inputs stand in.</source>
        <translation>用样本校准。尚未选择样本，以随机输入代替。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel this job</source>
        <translation>取消此任务</translation>
    </message>
    <message>
        <source>Cancel {title}</source>
        <translation>取消 {title}</translation>
    </message>
    <message>
        <source>Canceled. The same recipe run again goes on from here.</source>
        <translation>已取消。再次运行同一配方会从此处继续。</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>已更改</translation>
    </message>
    <message>
        <source>Channel {channel} of {count}</source>
        <translation>第 {channel} 个通道，共 {count} 个</translation>
    </message>
    <message>
        <source>Channels</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>Choose &amp;data…</source>
        <translation>选择数据(&amp;D)…</translation>
    </message>
    <message>
        <source>Choose a model file on this machine</source>
        <translation>选择本机上的模型文件</translation>
    </message>
    <message>
        <source>Choose and compress</source>
        <translation>选择并压缩</translation>
    </message>
    <message>
        <source>Choose and sort columns</source>
        <translation>选择列并排序</translation>
    </message>
    <message>
        <source>Choose data</source>
        <translation>选择数据</translation>
    </message>
    <message>
        <source>Choose data…</source>
        <translation>选择数据…</translation>
    </message>
    <message>
        <source>Choose it by its whole name to replace it</source>
        <translation>请用完整名称选择它以替换</translation>
    </message>
    <message>
        <source>Choose losses by the outputs</source>
        <translation>按输出选择损失</translation>
    </message>
    <message>
        <source>Choose samples to calibrate and measure on</source>
        <translation>选择用于校准和测量的样本</translation>
    </message>
    <message>
        <source>Choose the pairs when the step runs; shown is what would be chosen now</source>
        <translation>在步骤运行时选择层对；所示为当前会选择的层对</translation>
    </message>
    <message>
        <source>Class probabilities, probabilities of labels or values: each output by what it is</source>
        <translation>类别概率、标签概率或数值：每个输出按其含义选择</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Clear finished</source>
        <translation>清除已结束的</translation>
    </message>
    <message>
        <source>Clear the filter</source>
        <translation>清除筛选</translation>
    </message>
    <message>
        <source>Clear the recipe</source>
        <translation>清空配方</translation>
    </message>
    <message>
        <source>Click a channel, or go through them with the arrow keys, to see its own histogram</source>
        <translation>点击通道，或用方向键逐个查看其直方图</translation>
    </message>
    <message>
        <source>Click into the field and press the new keys.</source>
        <translation>点击输入框，然后按下新的按键。</translation>
    </message>
    <message>
        <source>Close all groups</source>
        <translation>折叠所有分组</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>关闭此消息</translation>
    </message>
    <message>
        <source>Close this message (Esc)</source>
        <translation>关闭此消息 (Esc)</translation>
    </message>
    <message>
        <source>Close {name}</source>
        <translation>折叠 {name}</translation>
    </message>
    <message>
        <source>Closed group</source>
        <translation>已折叠的分组</translation>
    </message>
    <message>
        <source>Color by</source>
        <translation>着色依据</translation>
    </message>
    <message>
        <source>Color scale of amounts: cividis, Nuñez, Anderton and Renslow (2018).</source>
        <translation>数量色标：cividis，Nuñez、Anderton 和 Renslow（2018）。</translation>
    </message>
    <message>
        <source>Colors of several variants: Okabe and Ito (2008).</source>
        <translation>多个变体的配色：Okabe 和 Ito（2008）。</translation>
    </message>
    <message>
        <source>Columns</source>
        <translation>列</translation>
    </message>
    <message>
        <source>Columns of the layer table</source>
        <translation>层表格的列</translation>
    </message>
    <message>
        <source>Command palette</source>
        <translation>命令面板</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>比较</translation>
    </message>
    <message>
        <source>Compare again</source>
        <translation>重新比较</translation>
    </message>
    <message>
        <source>Compare again, with the samples that are chosen now</source>
        <translation>用当前所选的样本重新比较</translation>
    </message>
    <message>
        <source>Compare and export</source>
        <translation>比较并导出</translation>
    </message>
    <message>
        <source>Comparing {name} with the original…</source>
        <translation>正在比较 {name} 与原始模型…</translation>
    </message>
    <message>
        <source>Comparing… {share}</source>
        <translation>正在比较… {share}</translation>
    </message>
    <message>
        <source>Compress: {steps}</source>
        <translation>压缩：{steps}</translation>
    </message>
    <message>
        <source>Compression Studio</source>
        <translation>Compression Studio</translation>
    </message>
    <message>
        <source>Compression Studio {version}</source>
        <translation>Compression Studio {version}</translation>
    </message>
    <message>
        <source>Conditions of measuring</source>
        <translation>测量条件</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Converted models</source>
        <translation>已转换的模型</translation>
    </message>
    <message>
        <source>Convolution, linear, embedding</source>
        <translation>卷积、线性、嵌入</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详情</translation>
    </message>
    <message>
        <source>Copy everything as text</source>
        <translation>全部复制为文本</translation>
    </message>
    <message>
        <source>Copy log</source>
        <translation>复制日志</translation>
    </message>
    <message>
        <source>Copy names</source>
        <translation>复制名称</translation>
    </message>
    <message>
        <source>Copy numbers</source>
        <translation>复制数值</translation>
    </message>
    <message>
        <source>Copy picture</source>
        <translation>复制图片</translation>
    </message>
    <message>
        <source>Copy recipe</source>
        <translation>复制配方</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>复制报告</translation>
    </message>
    <message>
        <source>Copy rows as CSV</source>
        <translation>将行复制为 CSV</translation>
    </message>
    <message>
        <source>Copy step</source>
        <translation>复制步骤</translation>
    </message>
    <message>
        <source>Copy the layer's name</source>
        <translation>复制层名称</translation>
    </message>
    <message>
        <source>Cosine of the outputs</source>
        <translation>输出的余弦相似度</translation>
    </message>
    <message>
        <source>Count</source>
        <translation>个数</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>默认</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Delete all kept results…</source>
        <translation>删除所有保留的结果…</translation>
    </message>
    <message>
        <source>Delete converted models…</source>
        <translation>删除已转换的模型…</translation>
    </message>
    <message>
        <source>Delete removes a pair</source>
        <translation>Delete 删除层对</translation>
    </message>
    <message>
        <source>Delete removes an assistant</source>
        <translation>Delete 删除助教</translation>
    </message>
    <message>
        <source>Delete the compressed models of all documents? Exported files stay.</source>
        <translation>删除所有文档的压缩模型？已导出的文件会保留。</translation>
    </message>
    <message>
        <source>Delete them? They are converted again when they are opened.</source>
        <translation>删除它们？下次打开时会重新转换。</translation>
    </message>
    <message>
        <source>Delete this variant and its files</source>
        <translation>删除此变体及其文件</translation>
    </message>
    <message>
        <source>Delete variant {number}?</source>
        <translation>删除变体 {number}？</translation>
    </message>
    <message>
        <source>Describe the inputs</source>
        <translation>描述输入</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Details of the error</source>
        <translation>错误详情</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Devices</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Devices and providers</source>
        <translation>设备与执行提供程序</translation>
    </message>
    <message>
        <source>Differences by layer</source>
        <translation>逐层差异</translation>
    </message>
    <message>
        <source>Different answer ({count})</source>
        <translation>输出不同 ({count})</translation>
    </message>
    <message>
        <source>Disagreements</source>
        <translation>分歧</translation>
    </message>
    <message>
        <source>Distillation</source>
        <translation>蒸馏</translation>
    </message>
    <message>
        <source>Distillation trains a compressed model to answer as the original does; it needs no labels.</source>
        <translation>蒸馏训练压缩后的模型，使其输出与原始模型一致；无需标签。</translation>
    </message>
    <message>
        <source>Done: {before} became {after}.</source>
        <translation>完成：{before} 变为 {after}。</translation>
    </message>
    <message>
        <source>Double-click to open</source>
        <translation>双击展开</translation>
    </message>
    <message>
        <source>Drag the line, or press the arrow keys, to move the threshold</source>
        <translation>拖动线条或按方向键以移动阈值</translation>
    </message>
    <message>
        <source>Draw counts on a logarithmic axis, so that thin tails stay visible</source>
        <translation>用对数轴绘制个数，使细小的尾部可见</translation>
    </message>
    <message>
        <source>Draw the graph</source>
        <translation>绘制计算图</translation>
    </message>
    <message>
        <source>Draw the moving average of the loss over its single values</source>
        <translation>在损失的逐步值上绘制其滑动平均</translation>
    </message>
    <message>
        <source>Drop a model anywhere</source>
        <translation>将模型拖放到任意位置</translation>
    </message>
    <message>
        <source>Drop a model, or start with a sample below. The layers appear at once.</source>
        <translation>拖入模型，或从下方的示例开始。各层会立即显示。</translation>
    </message>
    <message>
        <source>Drop to open</source>
        <translation>松开以打开</translation>
    </message>
    <message>
        <source>Duplicate the step</source>
        <translation>复制该步骤</translation>
    </message>
    <message>
        <source>Duplicate {method}</source>
        <translation>复制 {method}</translation>
    </message>
    <message>
        <source>Each row stands for {count} channels and shows their largest counts.</source>
        <translation>每行代表 {count} 个通道，显示其中最大的个数。</translation>
    </message>
    <message>
        <source>End the training now and go on with the weights that were best on held-out rows</source>
        <translation>立即结束训练，并采用在留出样本上最佳的权重继续</translation>
    </message>
    <message>
        <source>Ending with the best weights so far…</source>
        <translation>正在结束，采用目前最佳的权重…</translation>
    </message>
    <message>
        <source>Energy per call</source>
        <translation>每次调用的能耗</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>错误</translation>
    </message>
    <message>
        <source>Errors only</source>
        <translation>仅错误</translation>
    </message>
    <message>
        <source>Evaluation rows at most; 0 for all.</source>
        <translation>最多使用的评估样本行数；0 表示全部。</translation>
    </message>
    <message>
        <source>Every operator</source>
        <translation>所有算子</translation>
    </message>
    <message>
        <source>Every provider of ONNX Runtime is being tried…</source>
        <translation>正在逐一尝试 ONNX Runtime 的执行提供程序…</translation>
    </message>
    <message>
        <source>Everything</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Export variant {number}</source>
        <translation>导出变体 {number}</translation>
    </message>
    <message>
        <source>Export weights</source>
        <translation>导出权重</translation>
    </message>
    <message>
        <source>Export weights of the selection…</source>
        <translation>导出所选层的权重…</translation>
    </message>
    <message>
        <source>Export weights: {name}</source>
        <translation>导出权重：{name}</translation>
    </message>
    <message>
        <source>Export {name}</source>
        <translation>导出 {name}</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>F&amp;ull screen</source>
        <translation>全屏(&amp;U)</translation>
    </message>
    <message>
        <source>Features</source>
        <translation>特征</translation>
    </message>
    <message>
        <source>Fidelity (SQNR)</source>
        <translation>保真度 (SQNR)</translation>
    </message>
    <message>
        <source>Figure</source>
        <translation>指标</translation>
    </message>
    <message>
        <source>Figures</source>
        <translation>数值</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Filter by layer or reason</source>
        <translation>按层或原因筛选</translation>
    </message>
    <message>
        <source>Filter by layer, operator or note</source>
        <translation>按层、算子或说明筛选</translation>
    </message>
    <message>
        <source>Filter layers</source>
        <translation>筛选层</translation>
    </message>
    <message>
        <source>Filter outcomes</source>
        <translation>筛选结果</translation>
    </message>
    <message>
        <source>Filter the log</source>
        <translation>筛选日志</translation>
    </message>
    <message>
        <source>Filter: a name, type:Conv, size:&gt;1MB, …</source>
        <translation>筛选：名称、type:Conv、size:&gt;1MB……</translation>
    </message>
    <message>
        <source>Find &amp;node</source>
        <translation>查找节点(&amp;N)</translation>
    </message>
    <message>
        <source>Find a &amp;command…</source>
        <translation>查找命令(&amp;C)…</translation>
    </message>
    <message>
        <source>Find a command</source>
        <translation>查找命令</translation>
    </message>
    <message>
        <source>Find disagreements</source>
        <translation>查找分歧</translation>
    </message>
    <message>
        <source>Find node</source>
        <translation>查找节点</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>For models that are opened from now on; each keeps its own.</source>
        <translation>适用于之后打开的模型；每个模型保留各自的设置。</translation>
    </message>
    <message>
        <source>From others</source>
        <translation>来自他人</translation>
    </message>
    <message>
        <source>From {name} beside the model</source>
        <translation>来自模型旁的 {name}</translation>
    </message>
    <message>
        <source>Give this action the shortcut it had at first</source>
        <translation>恢复此操作最初的快捷键</translation>
    </message>
    <message>
        <source>Graph</source>
        <translation>计算图</translation>
    </message>
    <message>
        <source>Help ({count})</source>
        <translation>变好 ({count})</translation>
    </message>
    <message>
        <source>Here you choose the data that a model is calibrated and measured on.</source>
        <translation>在此选择用于校准和测量模型的数据。</translation>
    </message>
    <message>
        <source>Here you plan how a model becomes smaller and faster, step by step.</source>
        <translation>在此逐步规划如何使模型更小更快。</translation>
    </message>
    <message>
        <source>Histogram</source>
        <translation>直方图</translation>
    </message>
    <message>
        <source>Histogram of the largest weight on a root scale, with a mark at zero; sorts by the standard deviation</source>
        <translation>最大权重的直方图（平方根刻度，标出零点）；按标准差排序</translation>
    </message>
    <message>
        <source>Histograms of the channels</source>
        <translation>各通道的直方图</translation>
    </message>
    <message>
        <source>Horizontal axis</source>
        <translation>横轴</translation>
    </message>
    <message>
        <source>How long the latency of each model is measured; longer gives narrower intervals</source>
        <translation>每个模型测量延迟的时长；越长区间越窄</translation>
    </message>
    <message>
        <source>How many times smaller the weights are</source>
        <translation>权重缩小的倍数</translation>
    </message>
    <message>
        <source>How, or why not</source>
        <translation>方式或未处理的原因</translation>
    </message>
    <message>
        <source>Hurt ({count})</source>
        <translation>变差 ({count})</translation>
    </message>
    <message>
        <source>IR version</source>
        <translation>IR 版本</translation>
    </message>
    <message>
        <source>Icons: Lucide, ISC License; parts from Feather, MIT License.</source>
        <translation>图标：Lucide，ISC 许可证；部分来自 Feather，MIT 许可证。</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>Images, WAV files, arrays, tables or texts, or a samples.yaml that describes them</source>
        <translation>图像、WAV 文件、数组、表格或文本，或描述它们的 samples.yaml</translation>
    </message>
    <message>
        <source>Infinite</source>
        <translation>无穷大</translation>
    </message>
    <message>
        <source>Information</source>
        <translation>信息</translation>
    </message>
    <message>
        <source>Inner values are to be alike</source>
        <translation>使内部值相近</translation>
    </message>
    <message>
        <source>Input</source>
        <translation>输入</translation>
    </message>
    <message>
        <source>Inputs</source>
        <translation>输入</translation>
    </message>
    <message>
        <source>Inputs and outputs</source>
        <translation>输入与输出</translation>
    </message>
    <message>
        <source>Inspector</source>
        <translation>检查器</translation>
    </message>
    <message>
        <source>It happened {count} times.</source>
        <translation>已发生 {count} 次。</translation>
    </message>
    <message>
        <source>It leaves every layer alone, mostly because: {reason}</source>
        <translation>它对所有层都不作处理，主要原因：{reason}</translation>
    </message>
    <message>
        <source>It uses operators outside the ONNX standard: {domains}.</source>
        <translation>它使用了 ONNX 标准之外的算子：{domains}。</translation>
    </message>
    <message>
        <source>JSON (*.json)</source>
        <translation>JSON (*.json)</translation>
    </message>
    <message>
        <source>Jobs</source>
        <translation>任务</translation>
    </message>
    <message>
        <source>Jobs are running. Quit and stop them?</source>
        <translation>有任务正在运行。要停止它们并退出吗？</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Keep running</source>
        <translation>继续运行</translation>
    </message>
    <message>
        <source>Keeping</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Kept results</source>
        <translation>保留的结果</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Largest output error</source>
        <translation>最大输出误差</translation>
    </message>
    <message>
        <source>Latency</source>
        <translation>延迟</translation>
    </message>
    <message>
        <source>Latency and memory</source>
        <translation>延迟与内存</translation>
    </message>
    <message>
        <source>Latency, 95 % interval</source>
        <translation>延迟，95 % 区间</translation>
    </message>
    <message>
        <source>Latency, 95th percentile</source>
        <translation>延迟，第 95 百分位数</translation>
    </message>
    <message>
        <source>Latency, 99th percentile</source>
        <translation>延迟，第 99 百分位数</translation>
    </message>
    <message>
        <source>Latency, median</source>
        <translation>延迟，中位数</translation>
    </message>
    <message>
        <source>Latency, median to p95</source>
        <translation>延迟，中位数至 p95</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Layer graph</source>
        <translation>层计算图</translation>
    </message>
    <message>
        <source>Layer {number} of {count} selected</source>
        <translation>所选 {count} 层中的第 {number} 层</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Layers of the step</source>
        <translation>步骤作用的层</translation>
    </message>
    <message>
        <source>Layers of the student</source>
        <translation>学生的层</translation>
    </message>
    <message>
        <source>Layers of the teacher</source>
        <translation>教师的层</translation>
    </message>
    <message>
        <source>Layers with weights</source>
        <translation>带权重的层</translation>
    </message>
    <message>
        <source>Laying out the graph</source>
        <translation>正在布局计算图</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>Least level</source>
        <translation>最低级别</translation>
    </message>
    <message>
        <source>Leave the selected layers out of step {number}, {method}</source>
        <translation>将所选层排除在第 {number} 步 {method} 之外</translation>
    </message>
    <message>
        <source>Leave the selected layers out of the current step</source>
        <translation>将所选层排除在当前步骤之外</translation>
    </message>
    <message>
        <source>Leave {count} layer out of {method}</source>
        <translation>将 {count} 层排除在 {method} 之外</translation>
    </message>
    <message>
        <source>Leave {count} layers out of {method}</source>
        <translation>将 {count} 层排除在 {method} 之外</translation>
    </message>
    <message>
        <source>Left alone</source>
        <translation>未处理</translation>
    </message>
    <message>
        <source>Left and Right point at a step, whose values are told beside the name</source>
        <translation>左右方向键指向某一步，其值显示在名称旁</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Load it again</source>
        <translation>重新加载</translation>
    </message>
    <message>
        <source>Load time</source>
        <translation>加载时间</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Log (*.log)</source>
        <translation>日志 (*.log)</translation>
    </message>
    <message>
        <source>Log counts</source>
        <translation>对数个数</translation>
    </message>
    <message>
        <source>Log of the program</source>
        <translation>程序日志</translation>
    </message>
    <message>
        <source>Log of the selected job</source>
        <translation>所选任务的日志</translation>
    </message>
    <message>
        <source>Log scale</source>
        <translation>对数刻度</translation>
    </message>
    <message>
        <source>Loss and metrics appear here, step by step, while a step of the recipe trains the model.</source>
        <translation>配方的步骤训练模型时，损失和指标会逐步显示在这里。</translation>
    </message>
    <message>
        <source>Losses</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>MACs</source>
        <translation>MACs</translation>
    </message>
    <message>
        <source>MACs per inference</source>
        <translation>每次推理的 MACs</translation>
    </message>
    <message>
        <source>Made up</source>
        <translation>虚构</translation>
    </message>
    <message>
        <source>Made-up inputs.</source>
        <translation>输入为虚构。</translation>
    </message>
    <message>
        <source>Make a model smaller and faster, and see what every step cost</source>
        <translation>让模型更小更快，并看清每一步的代价</translation>
    </message>
    <message>
        <source>Maps of where the models look are to be alike</source>
        <translation>使两个模型的注意力图相近</translation>
    </message>
    <message>
        <source>Match two layers</source>
        <translation>配对两层</translation>
    </message>
    <message>
        <source>Match values at several depths: of the same name, else of the same kind and place</source>
        <translation>在多个深度上配对内部值：优先同名，否则按同类同位</translation>
    </message>
    <message>
        <source>Maximum</source>
        <translation>最大值</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>均值</translation>
    </message>
    <message>
        <source>Measure the original</source>
        <translation>测量原始模型</translation>
    </message>
    <message>
        <source>Measure the original model on the samples</source>
        <translation>在样本上测量原始模型</translation>
    </message>
    <message>
        <source>Measure the original on the samples</source>
        <translation>在样本上测量原始模型</translation>
    </message>
    <message>
        <source>Measure which layers take the time</source>
        <translation>测量哪些层耗时</translation>
    </message>
    <message>
        <source>Measured in the newest of the compared runs</source>
        <translation>在所比较的最新一次运行中测得</translation>
    </message>
    <message>
        <source>Measured share of the time of one inference</source>
        <translation>在一次推理中所占时间的实测比例</translation>
    </message>
    <message>
        <source>Measuring</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>Measuring… {share}</source>
        <translation>正在测量… {share}</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>菜单</translation>
    </message>
    <message>
        <source>Metrics</source>
        <translation>指标</translation>
    </message>
    <message>
        <source>Minimum</source>
        <translation>最小值</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Model of this step</source>
        <translation>此步骤的模型</translation>
    </message>
    <message>
        <source>Model properties</source>
        <translation>模型属性</translation>
    </message>
    <message>
        <source>Model shown in Netron</source>
        <translation>在 Netron 中显示的模型</translation>
    </message>
    <message>
        <source>Models ({extensions})</source>
        <translation>模型 ({extensions})</translation>
    </message>
    <message>
        <source>Models of sizes between teacher and student, the largest first: each teaches the next</source>
        <translation>大小介于教师与学生之间的模型，从大到小：每个教下一个</translation>
    </message>
    <message>
        <source>Models you open are listed here.</source>
        <translation>您打开的模型会列在这里。</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Move step &amp;up</source>
        <translation>上移步骤(&amp;U)</translation>
    </message>
    <message>
        <source>Move step do&amp;wn</source>
        <translation>下移步骤(&amp;W)</translation>
    </message>
    <message>
        <source>Move the assistant up</source>
        <translation>上移助教</translation>
    </message>
    <message>
        <source>Move the threshold</source>
        <translation>移动阈值</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Move {method}</source>
        <translation>移动 {method}</translation>
    </message>
    <message>
        <source>Multiply-accumulate operations of the layer in one inference</source>
        <translation>该层在一次推理中的乘加运算次数</translation>
    </message>
    <message>
        <source>NaN</source>
        <translation>NaN</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Name of the graph</source>
        <translation>计算图名称</translation>
    </message>
    <message>
        <source>Name of the layer: of its node, or of the node's first output</source>
        <translation>层的名称：其节点的名称，或节点第一个输出的名称</translation>
    </message>
    <message>
        <source>Name, operator, weight shape or type; Enter goes to the next, Shift+Enter to the previous</source>
        <translation>名称、算子、权重形状或类型；Enter 转到下一个，Shift+Enter 转到上一个</translation>
    </message>
    <message>
        <source>Names or patterns (*, ?), type:Conv, block:encoder/0, size:&gt;1MB; ! before one takes its layers out again</source>
        <translation>名称或模式（*、?）、type:Conv、block:encoder/0、size:&gt;1MB；前面加 ! 可再排除其中的层</translation>
    </message>
    <message>
        <source>Needs samples to calibrate on.</source>
        <translation>需要用于校准的样本。</translation>
    </message>
    <message>
        <source>Netron</source>
        <translation>Netron</translation>
    </message>
    <message>
        <source>Netron cannot be shown: version {version} was released on {date} and stops working {days} days later. Update the package netron; the graph of the studio goes on working.</source>
        <translation>无法显示 Netron：版本 {version} 发布于 {date}，{days} 天后停止工作。请更新软件包 netron；本工作室的计算图仍可使用。</translation>
    </message>
    <message>
        <source>Netron cannot save files from this window. Open it in your browser for that.</source>
        <translation>Netron 无法从此窗口保存文件。请在浏览器中打开后保存。</translation>
    </message>
    <message>
        <source>Netron opens in your browser, because the web engine cannot be loaded: {why}.</source>
        <translation>Netron 将在浏览器中打开，因为无法加载网页引擎：{why}。</translation>
    </message>
    <message>
        <source>Netron opens in your browser, because the web engine is not installed. To see it here, install the studio with the extra “web”.</source>
        <translation>Netron 将在浏览器中打开，因为未安装网页引擎。若要在此显示，请安装本工作室的附加组件“web”。</translation>
    </message>
    <message>
        <source>Netron opens in your browser, because the web engine was installed after the studio was started.</source>
        <translation>Netron 将在浏览器中打开，因为网页引擎是在本程序启动之后才安装的。</translation>
    </message>
    <message>
        <source>Netron shows the graph of a model exactly as its file holds it.</source>
        <translation>Netron 完全按照文件内容显示模型的计算图。</translation>
    </message>
    <message>
        <source>Netron {version}, served by this machine to itself; every other address is blocked.</source>
        <translation>Netron {version}，仅由本机提供给本机；其他地址一律阻止。</translation>
    </message>
    <message>
        <source>New shortcut</source>
        <translation>新快捷键</translation>
    </message>
    <message>
        <source>Next match</source>
        <translation>下一个匹配项</translation>
    </message>
    <message>
        <source>Next selected layer</source>
        <translation>下一个所选层</translation>
    </message>
    <message>
        <source>No action has this name or shortcut.</source>
        <translation>没有此名称或快捷键的操作。</translation>
    </message>
    <message>
        <source>No action that can be used now has this name.</source>
        <translation>当前可用的操作中没有此名称。</translation>
    </message>
    <message>
        <source>No browser could be started</source>
        <translation>无法启动浏览器</translation>
    </message>
    <message>
        <source>No data is chosen: random inputs stand in, and every figure from them says so.</source>
        <translation>尚未选择数据：以随机输入代替，由此得到的数值都会注明。</translation>
    </message>
    <message>
        <source>No finite value in this weight.</source>
        <translation>此权重中没有有限值。</translation>
    </message>
    <message>
        <source>No layer has the type {name}, only {kinds}.</source>
        <translation>没有类型为 {name} 的层，只有 {kinds}。</translation>
    </message>
    <message>
        <source>No layer is stored as {name}, only {kinds}.</source>
        <translation>没有存为 {name} 的层，只有 {kinds}。</translation>
    </message>
    <message>
        <source>No layer matches the filter.</source>
        <translation>没有层符合筛选条件。</translation>
    </message>
    <message>
        <source>No layer would be left to {method}. Remove the step instead.</source>
        <translation>这样 {method} 将没有可处理的层。请改为删除该步骤。</translation>
    </message>
    <message>
        <source>No match</source>
        <translation>没有匹配项</translation>
    </message>
    <message>
        <source>No model is open</source>
        <translation>没有打开的模型</translation>
    </message>
    <message>
        <source>No name holds “{word}”, and “{kind}:” is none of {words}.</source>
        <translation>没有名称包含“{word}”，且“{kind}:”不在 {words} 之中。</translation>
    </message>
    <message>
        <source>No planned step changes the size of this layer.</source>
        <translation>没有计划的步骤会改变此层的大小。</translation>
    </message>
    <message>
        <source>No sample is of this kind.</source>
        <translation>没有此类样本。</translation>
    </message>
    <message>
        <source>No samples were given: the model was run on made-up values</source>
        <translation>没有给出样本：模型以虚构的值运行</translation>
    </message>
    <message>
        <source>No shortcut</source>
        <translation>无快捷键</translation>
    </message>
    <message>
        <source>No step</source>
        <translation>没有步骤</translation>
    </message>
    <message>
        <source>No step of the recipe works on this layer.</source>
        <translation>配方中没有步骤作用于此层。</translation>
    </message>
    <message>
        <source>No telemetry. Nothing leaves this machine. No file you open can run code.</source>
        <translation>无遥测，任何数据都不会离开本机。您打开的任何文件都不能运行代码。</translation>
    </message>
    <message>
        <source>No weights</source>
        <translation>没有权重</translation>
    </message>
    <message>
        <source>Nodes</source>
        <translation>节点</translation>
    </message>
    <message>
        <source>Non-zero parameters</source>
        <translation>非零参数</translation>
    </message>
    <message>
        <source>Normalization</source>
        <translation>归一化</translation>
    </message>
    <message>
        <source>Not known yet</source>
        <translation>尚不清楚</translation>
    </message>
    <message>
        <source>Not measured yet: choose Run &gt; Profile layers.</source>
        <translation>尚未测量：请选择“运行 &gt; 分析各层性能”。</translation>
    </message>
    <message>
        <source>Not observed: {reason}.</source>
        <translation>未观察到：{reason}。</translation>
    </message>
    <message>
        <source>Not predicted yet.</source>
        <translation>尚未预测。</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>说明</translation>
    </message>
    <message>
        <source>Notes</source>
        <translation>说明</translation>
    </message>
    <message>
        <source>Notes and worse</source>
        <translation>说明及以上</translation>
    </message>
    <message>
        <source>Nothing stands behind “{word}”.</source>
        <translation>“{word}”之后没有内容。</translation>
    </message>
    <message>
        <source>Nothing was opened yet</source>
        <translation>尚未打开任何内容</translation>
    </message>
    <message>
        <source>NumPy archive (*.npz)</source>
        <translation>NumPy 归档 (*.npz)</translation>
    </message>
    <message>
        <source>Number of learned values in all weights of the layer</source>
        <translation>该层所有权重中学习所得值的个数</translation>
    </message>
    <message>
        <source>ONNX (also with external data), PyTorch exported programs, TorchScript and Keras.</source>
        <translation>ONNX（也支持外部数据）、PyTorch 导出程序、TorchScript 和 Keras。</translation>
    </message>
    <message>
        <source>ONNX model (*.onnx)</source>
        <translation>ONNX 模型 (*.onnx)</translation>
    </message>
    <message>
        <source>ONNX models ({patterns})</source>
        <translation>ONNX 模型 ({patterns})</translation>
    </message>
    <message>
        <source>Of everything random in the recipe: the same seed gives the same bytes</source>
        <translation>用于配方中的一切随机过程：相同的种子得到相同的字节</translation>
    </message>
    <message>
        <source>Op</source>
        <translation>算子</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open &amp;recent</source>
        <translation>打开最近的文件(&amp;R)</translation>
    </message>
    <message>
        <source>Open a model</source>
        <translation>打开模型</translation>
    </message>
    <message>
        <source>Open a model file</source>
        <translation>打开模型文件</translation>
    </message>
    <message>
        <source>Open a model first. Then drop its recipe or its data.</source>
        <translation>请先打开模型，再拖入它的配方或数据。</translation>
    </message>
    <message>
        <source>Open a model to see its layers as a graph, colored by size, cost or plan.</source>
        <translation>打开模型，以计算图查看各层，并按大小、代价或计划着色。</translation>
    </message>
    <message>
        <source>Open all groups</source>
        <translation>展开所有分组</translation>
    </message>
    <message>
        <source>Open in browser</source>
        <translation>在浏览器中打开</translation>
    </message>
    <message>
        <source>Open recipe</source>
        <translation>打开配方</translation>
    </message>
    <message>
        <source>Open recipe…</source>
        <translation>打开配方…</translation>
    </message>
    <message>
        <source>Open the log, where the program kept more about this</source>
        <translation>打开日志，其中有更多相关信息</translation>
    </message>
    <message>
        <source>Open the model again if the studio ended unexpectedly</source>
        <translation>程序意外结束后重新打开模型</translation>
    </message>
    <message>
        <source>Open {address} yourself; it works once</source>
        <translation>请自行打开 {address}；仅一次有效</translation>
    </message>
    <message>
        <source>Open {name}</source>
        <translation>打开 {name}</translation>
    </message>
    <message>
        <source>Opening {name}</source>
        <translation>正在打开 {name}</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>打开…</translation>
    </message>
    <message>
        <source>Operator</source>
        <translation>算子</translation>
    </message>
    <message>
        <source>Operator of the layer</source>
        <translation>层的算子</translation>
    </message>
    <message>
        <source>Operators</source>
        <translation>算子</translation>
    </message>
    <message>
        <source>Opset</source>
        <translation>Opset</translation>
    </message>
    <message>
        <source>Order of the graph</source>
        <translation>计算图中的顺序</translation>
    </message>
    <message>
        <source>Original: {name}</source>
        <translation>原始模型：{name}</translation>
    </message>
    <message>
        <source>Other operator domains</source>
        <translation>其他算子域</translation>
    </message>
    <message>
        <source>Other operators</source>
        <translation>其他算子</translation>
    </message>
    <message>
        <source>Outcome</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Outcomes by layer</source>
        <translation>逐层结果</translation>
    </message>
    <message>
        <source>Output</source>
        <translation>输出</translation>
    </message>
    <message>
        <source>Output {value} over {count} sample.</source>
        <translation>{count} 个样本上的输出 {value}。</translation>
    </message>
    <message>
        <source>Output {value} over {count} samples.</source>
        <translation>{count} 个样本上的输出 {value}。</translation>
    </message>
    <message>
        <source>Output: {type}</source>
        <translation>输出：{type}</translation>
    </message>
    <message>
        <source>Outputs</source>
        <translation>输出</translation>
    </message>
    <message>
        <source>PNG picture (*.png)</source>
        <translation>PNG 图片 (*.png)</translation>
    </message>
    <message>
        <source>Pairs of layers</source>
        <translation>层对</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Paste {count} step</source>
        <translation>粘贴 {count} 个步骤</translation>
    </message>
    <message>
        <source>Paste {count} steps</source>
        <translation>粘贴 {count} 个步骤</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Pause {title}</source>
        <translation>暂停 {title}</translation>
    </message>
    <message>
        <source>Paused. {what}</source>
        <translation>已暂停。{what}</translation>
    </message>
    <message>
        <source>Peak memory</source>
        <translation>峰值内存</translation>
    </message>
    <message>
        <source>Pick a layer on each side to match them.</source>
        <translation>在两侧各选一层即可配对。</translation>
    </message>
    <message>
        <source>Picture (*.png)</source>
        <translation>图片 (*.png)</translation>
    </message>
    <message>
        <source>Pictures with their labels</source>
        <translation>图片及其标签</translation>
    </message>
    <message>
        <source>Planned step</source>
        <translation>计划的步骤</translation>
    </message>
    <message>
        <source>Pooling, reduction</source>
        <translation>池化、归约</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>Predicting the size…</source>
        <translation>正在预测大小…</translation>
    </message>
    <message>
        <source>Previous match</source>
        <translation>上一个匹配项</translation>
    </message>
    <message>
        <source>Previous selected layer</source>
        <translation>上一个所选层</translation>
    </message>
    <message>
        <source>Pro&amp;file the layers</source>
        <translation>分析各层性能(&amp;F)</translation>
    </message>
    <message>
        <source>Producer</source>
        <translation>生成工具</translation>
    </message>
    <message>
        <source>Profile the layers</source>
        <translation>分析各层性能</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Progress of opening</source>
        <translation>打开进度</translation>
    </message>
    <message>
        <source>Progress of the run</source>
        <translation>运行进度</translation>
    </message>
    <message>
        <source>Progress of the training</source>
        <translation>训练进度</translation>
    </message>
    <message>
        <source>Progress of {title}</source>
        <translation>{title} 的进度</translation>
    </message>
    <message>
        <source>Providers of ONNX Runtime {version}</source>
        <translation>ONNX Runtime {version} 的执行提供程序</translation>
    </message>
    <message>
        <source>Put all panels back where they were at first</source>
        <translation>将所有面板恢复到最初位置</translation>
    </message>
    <message>
        <source>Put steps into the recipe and pick layers for them. Run applies them and measures each.</source>
        <translation>将步骤放入配方并为其选择层。“运行”会应用并测量每一步。</translation>
    </message>
    <message>
        <source>Q/DQ {type}</source>
        <translation>Q/DQ {type}</translation>
    </message>
    <message>
        <source>Qt and PySide6 are used under the LGPL 3. Every other package stands under its own license.</source>
        <translation>Qt 和 PySide6 依据 LGPL 3 使用。其他软件包遵循各自的许可证。</translation>
    </message>
    <message>
        <source>Quantization</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Quit and stop</source>
        <translation>停止并退出</translation>
    </message>
    <message>
        <source>R&amp;un</source>
        <translation>运行(&amp;U)</translation>
    </message>
    <message>
        <source>Random inputs</source>
        <translation>随机输入</translation>
    </message>
    <message>
        <source>Random inputs: the figures say nothing about accuracy on real data.</source>
        <translation>随机输入：数值不能说明在真实数据上的准确率。</translation>
    </message>
    <message>
        <source>Read activations</source>
        <translation>读取激活值</translation>
    </message>
    <message>
        <source>Read the activations of the layers</source>
        <translation>读取各层的激活值</translation>
    </message>
    <message>
        <source>Read the data again</source>
        <translation>重新读取数据</translation>
    </message>
    <message>
        <source>Reading both models…</source>
        <translation>正在读取两个模型…</translation>
    </message>
    <message>
        <source>Reading the activations: {percent} %</source>
        <translation>正在读取激活值：{percent} %</translation>
    </message>
    <message>
        <source>Reading the weights…</source>
        <translation>正在读取权重…</translation>
    </message>
    <message>
        <source>Reading…</source>
        <translation>正在读取…</translation>
    </message>
    <message>
        <source>Recent files</source>
        <translation>最近的文件</translation>
    </message>
    <message>
        <source>Recipe</source>
        <translation>配方</translation>
    </message>
    <message>
        <source>Recipes ({patterns})</source>
        <translation>配方 ({patterns})</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Remove a pair of layers</source>
        <translation>删除层对</translation>
    </message>
    <message>
        <source>Remove the assistant</source>
        <translation>删除助教</translation>
    </message>
    <message>
        <source>Remove the chosen pair (Delete)</source>
        <translation>删除所选的层对 (Delete)</translation>
    </message>
    <message>
        <source>Remove the step (Delete)</source>
        <translation>删除该步骤 (Delete)</translation>
    </message>
    <message>
        <source>Remove {method}</source>
        <translation>删除 {method}</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Reset all</source>
        <translation>全部重置</translation>
    </message>
    <message>
        <source>Reset columns</source>
        <translation>重置列</translation>
    </message>
    <message>
        <source>Reset layout</source>
        <translation>重置布局</translation>
    </message>
    <message>
        <source>Reset {setting}</source>
        <translation>重置 {setting}</translation>
    </message>
    <message>
        <source>Results kept per model</source>
        <translation>每个模型保留的结果数</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Resume {title}</source>
        <translation>继续 {title}</translation>
    </message>
    <message>
        <source>Rows at most</source>
        <translation>最多行数</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Run the original and this variant on every evaluation row to see where they disagree.</source>
        <translation>在每个评估样本上运行原始模型和此变体，查看两者的分歧。</translation>
    </message>
    <message>
        <source>Run the original model over the calibration samples and count what each layer puts out</source>
        <translation>在校准样本上运行原始模型，统计每层的输出</translation>
    </message>
    <message>
        <source>Run the original on the evaluation rows, and look for signs of data prepared in another way</source>
        <translation>在评估样本上运行原始模型，并查找数据预处理不一致的迹象</translation>
    </message>
    <message>
        <source>Run the recipe</source>
        <translation>运行配方</translation>
    </message>
    <message>
        <source>Run three recipes or more to see which of them trade size or speed best against accuracy.</source>
        <translation>运行三个或更多配方，看哪些在大小或速度与准确率之间权衡得最好。</translation>
    </message>
    <message>
        <source>Runs, profiles and exports are listed here with their progress and their log.</source>
        <translation>运行、性能分析和导出会列在这里，并附进度和日志。</translation>
    </message>
    <message>
        <source>SQNR of the outputs</source>
        <translation>输出的 SQNR</translation>
    </message>
    <message>
        <source>Safetensors (*.safetensors)</source>
        <translation>Safetensors (*.safetensors)</translation>
    </message>
    <message>
        <source>Same prediction</source>
        <translation>预测相同</translation>
    </message>
    <message>
        <source>Sample &amp;models</source>
        <translation>示例模型(&amp;M)</translation>
    </message>
    <message>
        <source>Sample models</source>
        <translation>示例模型</translation>
    </message>
    <message>
        <source>Samples</source>
        <translation>样本</translation>
    </message>
    <message>
        <source>Samples ({patterns})</source>
        <translation>样本 ({patterns})</translation>
    </message>
    <message>
        <source>Samples on which the models disagree</source>
        <translation>模型输出有分歧的样本</translation>
    </message>
    <message>
        <source>Samples per call when latency is measured.</source>
        <translation>测量延迟时每次调用的样本数。</translation>
    </message>
    <message>
        <source>Samples: {name}.</source>
        <translation>样本：{name}。</translation>
    </message>
    <message>
        <source>Save as CSV</source>
        <translation>保存为 CSV</translation>
    </message>
    <message>
        <source>Save as CSV…</source>
        <translation>保存为 CSV…</translation>
    </message>
    <message>
        <source>Save every row with both answers</source>
        <translation>保存每一行及两者的输出</translation>
    </message>
    <message>
        <source>Save log</source>
        <translation>保存日志</translation>
    </message>
    <message>
        <source>Save numbers</source>
        <translation>保存数值</translation>
    </message>
    <message>
        <source>Save numbers…</source>
        <translation>保存数值…</translation>
    </message>
    <message>
        <source>Save picture</source>
        <translation>保存图片</translation>
    </message>
    <message>
        <source>Save picture…</source>
        <translation>保存图片…</translation>
    </message>
    <message>
        <source>Save re&amp;port…</source>
        <translation>保存报告(&amp;P)…</translation>
    </message>
    <message>
        <source>Save recipe</source>
        <translation>保存配方</translation>
    </message>
    <message>
        <source>Save recipe…</source>
        <translation>保存配方…</translation>
    </message>
    <message>
        <source>Save report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <source>Save report…</source>
        <translation>保存报告…</translation>
    </message>
    <message>
        <source>Save the report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <source>Save what is compared as a web page, picture, table or JSON</source>
        <translation>将所比较的内容保存为网页、图片、表格或 JSON</translation>
    </message>
    <message>
        <source>Saved {name}.</source>
        <translation>已保存 {name}。</translation>
    </message>
    <message>
        <source>Save…</source>
        <translation>保存…</translation>
    </message>
    <message>
        <source>Search for an action</source>
        <translation>搜索操作</translation>
    </message>
    <message>
        <source>Search for an action or a shortcut</source>
        <translation>搜索操作或快捷键</translation>
    </message>
    <message>
        <source>Seconds</source>
        <translation>秒数</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>Select &amp;all layers</source>
        <translation>选择所有层(&amp;A)</translation>
    </message>
    <message>
        <source>Select &amp;none</source>
        <translation>取消选择(&amp;N)</translation>
    </message>
    <message>
        <source>Select a layer to see its weights.</source>
        <translation>选择一层以查看其权重。</translation>
    </message>
    <message>
        <source>Select the layers that this method leaves alone; the layer table tells why</source>
        <translation>选择此方法不处理的层；层表格会说明原因</translation>
    </message>
    <message>
        <source>Set</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Set layers of step {number}</source>
        <translation>设置第 {number} 步的层</translation>
    </message>
    <message>
        <source>Set seed</source>
        <translation>设置种子</translation>
    </message>
    <message>
        <source>Set the target</source>
        <translation>设置目标</translation>
    </message>
    <message>
        <source>Set {setting} of measuring</source>
        <translation>设置测量的 {setting}</translation>
    </message>
    <message>
        <source>Set {setting} of step {number}</source>
        <translation>设置第 {number} 步的 {setting}</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Several</source>
        <translation>多个</translation>
    </message>
    <message>
        <source>Shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Shape of the largest weight, as it is stored</source>
        <translation>最大权重按存储形式的形状</translation>
    </message>
    <message>
        <source>Shape of {name}</source>
        <translation>{name} 的形状</translation>
    </message>
    <message>
        <source>Shapes</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Share of latency</source>
        <translation>延迟占比</translation>
    </message>
    <message>
        <source>Share of zeros in the largest weight</source>
        <translation>最大权重中零的占比</translation>
    </message>
    <message>
        <source>Shortcut</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>显示全部</translation>
    </message>
    <message>
        <source>Show all (F)</source>
        <translation>显示全部 (F)</translation>
    </message>
    <message>
        <source>Show all values; without tails, the middle 98 % in finer bins</source>
        <translation>显示所有值；不含尾部时，以更细的区间显示中间的 98 %</translation>
    </message>
    <message>
        <source>Show it in Netron</source>
        <translation>在 Netron 中显示</translation>
    </message>
    <message>
        <source>Show losses on a logarithmic scale</source>
        <translation>以对数刻度显示损失</translation>
    </message>
    <message>
        <source>Show operators without weights too</source>
        <translation>也显示没有权重的算子</translation>
    </message>
    <message>
        <source>Show the model in your browser; the page comes from this machine and can reach no other</source>
        <translation>在浏览器中显示模型；页面来自本机，无法访问其他地址</translation>
    </message>
    <message>
        <source>Signal to quantization-noise ratio of the weights: 6 dB more is half the error. None where another node was folded into them</source>
        <translation>权重的信号与量化噪声比：每增加 6 dB，误差减半。若有其他节点折叠进权重，则无此值</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Size on disk</source>
        <translation>磁盘大小</translation>
    </message>
    <message>
        <source>Size zipped</source>
        <translation>压缩后大小</translation>
    </message>
    <message>
        <source>Size, latency and accuracy before and after appear here once a recipe has been run.</source>
        <translation>运行配方后，此处显示前后的大小、延迟和准确率。</translation>
    </message>
    <message>
        <source>Size, latency and accuracy side by side. Export writes a checked ONNX file.</source>
        <translation>并排比较大小、延迟和准确率。“导出”会写出经过检查的 ONNX 文件。</translation>
    </message>
    <message>
        <source>Smooth</source>
        <translation>平滑</translation>
    </message>
    <message>
        <source>Some rows of the samples</source>
        <translation>样本中的若干行</translation>
    </message>
    <message>
        <source>Something happened that should not have. Your recipe and your results are saved. You can go on; if things look odd, quit and start again. The report holds no model data and is sent to nobody; copy it to report this.</source>
        <translation>发生了不应发生的情况。您的配方和结果已保存。您可以继续；如有异常，请退出并重新启动。报告不含模型数据，也不会发送给任何人；如需反馈，请复制它。</translation>
    </message>
    <message>
        <source>Sort by</source>
        <translation>排序依据</translation>
    </message>
    <message>
        <source>Space picks a layer; one picked on each side makes a pair</source>
        <translation>空格键选择一层；两侧各选一层即成一对</translation>
    </message>
    <message>
        <source>Sparsity</source>
        <translation>稀疏度</translation>
    </message>
    <message>
        <source>Standard deviation</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>Statistics (*.csv)</source>
        <translation>统计量 (*.csv)</translation>
    </message>
    <message>
        <source>Std. dev.</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>Step</source>
        <translation>步骤</translation>
    </message>
    <message>
        <source>Step {number}, {method}</source>
        <translation>第 {number} 步，{method}</translation>
    </message>
    <message>
        <source>Step {number}, {method}, works on the model as a whole</source>
        <translation>第 {number} 步 {method} 作用于整个模型</translation>
    </message>
    <message>
        <source>Step {number}: {method}</source>
        <translation>第 {number} 步：{method}</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>步骤</translation>
    </message>
    <message>
        <source>Steps of the recipe</source>
        <translation>配方的步骤</translation>
    </message>
    <message>
        <source>Steps of the recipe that work on the layer</source>
        <translation>配方中作用于该层的步骤</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stop and change nothing; the same step started again goes on from here</source>
        <translation>停止且不作更改；再次启动同一步骤会从此处继续</translation>
    </message>
    <message>
        <source>Stop and keep the best</source>
        <translation>停止并保留最佳</translation>
    </message>
    <message>
        <source>Stop laying out the graph</source>
        <translation>停止布局计算图</translation>
    </message>
    <message>
        <source>Stop what is running</source>
        <translation>停止正在运行的任务</translation>
    </message>
    <message>
        <source>Stop {title} and keep the best</source>
        <translation>停止 {title} 并保留最佳</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>Stored type of the largest weight</source>
        <translation>最大权重的存储类型</translation>
    </message>
    <message>
        <source>Student</source>
        <translation>学生</translation>
    </message>
    <message>
        <source>Suggest pairs</source>
        <translation>建议层对</translation>
    </message>
    <message>
        <source>Suggest pairs of layers</source>
        <translation>建议层对</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>表格</translation>
    </message>
    <message>
        <source>Table (*.csv)</source>
        <translation>表格 (*.csv)</translation>
    </message>
    <message>
        <source>Tails</source>
        <translation>尾部</translation>
    </message>
    <message>
        <source>Take {name} off this list</source>
        <translation>将 {name} 从此列表移除</translation>
    </message>
    <message>
        <source>Target</source>
        <translation>目标</translation>
    </message>
    <message>
        <source>Target: CPU</source>
        <translation>目标：CPU</translation>
    </message>
    <message>
        <source>Target: GPU</source>
        <translation>目标：GPU</translation>
    </message>
    <message>
        <source>Target: automatic</source>
        <translation>目标：自动</translation>
    </message>
    <message>
        <source>Target: {device}</source>
        <translation>目标：{device}</translation>
    </message>
    <message>
        <source>Teacher</source>
        <translation>教师</translation>
    </message>
    <message>
        <source>Tensor of the layer</source>
        <translation>该层的张量</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>The curves begin with the first step.</source>
        <translation>曲线从第一步开始。</translation>
    </message>
    <message>
        <source>The dashed line joins those that no other beats in both.</source>
        <translation>虚线连接两方面都不被其他变体超过的变体。</translation>
    </message>
    <message>
        <source>The data of the sample models stand under the licenses named beside them.</source>
        <translation>示例模型的数据遵循其旁所列的许可证。</translation>
    </message>
    <message>
        <source>The figure of the layers that colors the graph</source>
        <translation>用于给计算图着色的层指标</translation>
    </message>
    <message>
        <source>The file {path} is no longer there. Open the model again.</source>
        <translation>文件 {path} 已不存在。请重新打开模型。</translation>
    </message>
    <message>
        <source>The graph was not drawn, because you canceled its layout.</source>
        <translation>未绘制计算图，因为您取消了布局。</translation>
    </message>
    <message>
        <source>The least level that is shown</source>
        <translation>显示的最低级别</translation>
    </message>
    <message>
        <source>The model in Netron, served from this machine</source>
        <translation>Netron 中的模型，由本机提供</translation>
    </message>
    <message>
        <source>The original</source>
        <translation>原始模型</translation>
    </message>
    <message>
        <source>The original model or one of its variants</source>
        <translation>原始模型或其变体之一</translation>
    </message>
    <message>
        <source>The process that shows Netron ended, most likely because memory ran out. Nothing else is lost.</source>
        <translation>显示 Netron 的进程已结束，很可能是内存不足。其他内容没有丢失。</translation>
    </message>
    <message>
        <source>The recipe has no step yet.</source>
        <translation>配方还没有步骤。</translation>
    </message>
    <message>
        <source>The recipe has no step {name}.</source>
        <translation>配方没有步骤 {name}。</translation>
    </message>
    <message>
        <source>The recipe is empty. Add a step first.</source>
        <translation>配方为空。请先添加步骤。</translation>
    </message>
    <message>
        <source>The recipe is that of the variant now. Undo takes it back.</source>
        <translation>配方现已改为该变体的配方。可撤销恢复。</translation>
    </message>
    <message>
        <source>The recipe of last time is back: {count} step.</source>
        <translation>已恢复上次的配方：{count} 步。</translation>
    </message>
    <message>
        <source>The recipe of last time is back: {count} steps.</source>
        <translation>已恢复上次的配方：{count} 步。</translation>
    </message>
    <message>
        <source>The runs differ in their conditions. Each variant is compared with the original of its own run.</source>
        <translation>各次运行的条件不同。每个变体都与其自身运行中的原始模型比较。</translation>
    </message>
    <message>
        <source>The student is shown without what {steps} will change.</source>
        <translation>所示学生不含 {steps} 将作的更改。</translation>
    </message>
    <message>
        <source>The studio ended unexpectedly. {name} is opened again.</source>
        <translation>本工作室上次意外结束。正在重新打开 {name}。</translation>
    </message>
    <message>
        <source>The sum of what each step predicts for each layer, before anything is run; a run measures the file.</source>
        <translation>运行之前，各步骤对各层预测值的总和；运行时会测量文件。</translation>
    </message>
    <message>
        <source>The weight of the loss {name} {why}.</source>
        <translation>损失 {name} 的权重{why}。</translation>
    </message>
    <message>
        <source>The weights have not been read yet.</source>
        <translation>尚未读取权重。</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>There is no block {name}.</source>
        <translation>没有块 {name}。</translation>
    </message>
    <message>
        <source>There is nothing to export yet. Run the recipe first.</source>
        <translation>还没有可导出的内容。请先运行配方。</translation>
    </message>
    <message>
        <source>There is nothing to report yet. Run the recipe first.</source>
        <translation>还没有可报告的内容。请先运行配方。</translation>
    </message>
    <message>
        <source>These were read from other samples than those of now.</source>
        <translation>这些是从其他样本读取的，并非当前样本。</translation>
    </message>
    <message>
        <source>This file has {size}, and Netron holds all of it in memory. The graph of the studio does not.</source>
        <translation>此文件大小为 {size}，Netron 会将其全部放入内存。本工作室的计算图则不会。</translation>
    </message>
    <message>
        <source>This model has no layers with weights, so there is nothing to compress layer by layer.</source>
        <translation>此模型没有带权重的层，因此无法逐层压缩。</translation>
    </message>
    <message>
        <source>This recipe is running already.</source>
        <translation>该配方已在运行。</translation>
    </message>
    <message>
        <source>This run trains several times, one after the other</source>
        <translation>此次运行依次训练多次</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Threads inside a model; 0 lets the runtime choose.</source>
        <translation>模型内的线程数；0 表示由运行时选择。</translation>
    </message>
    <message>
        <source>Threads within an operator while latency is measured</source>
        <translation>测量延迟时算子内的线程数</translation>
    </message>
    <message>
        <source>Tick a variant to compare it with the original.</source>
        <translation>勾选一个变体，与原始模型比较。</translation>
    </message>
    <message>
        <source>Time budget of the latency measurement of each model.</source>
        <translation>每个模型测量延迟的时间预算。</translation>
    </message>
    <message>
        <source>Time for latency</source>
        <translation>延迟测量时长</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
    <message>
        <source>Trade-off</source>
        <translation>权衡</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Training {number} of {count}</source>
        <translation>第 {number} 次训练，共 {count} 次</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>Type of {name}</source>
        <translation>{name} 的类型</translation>
    </message>
    <message>
        <source>Type what you want to do</source>
        <translation>输入您想做的事</translation>
    </message>
    <message>
        <source>Unexpected error</source>
        <translation>意外错误</translation>
    </message>
    <message>
        <source>Unknown: the shapes this layer works on depend on the input, or the operator has no MACs of its own.</source>
        <translation>未知：此层处理的形状取决于输入，或该算子本身没有 MACs。</translation>
    </message>
    <message>
        <source>Up and Down go through the pairs, Delete removes one</source>
        <translation>上下方向键浏览层对，Delete 删除</translation>
    </message>
    <message>
        <source>Use &amp;random inputs</source>
        <translation>使用随机输入(&amp;R)</translation>
    </message>
    <message>
        <source>Use random inputs</source>
        <translation>使用随机输入</translation>
    </message>
    <message>
        <source>Use recipe</source>
        <translation>使用配方</translation>
    </message>
    <message>
        <source>Use selected layers</source>
        <translation>使用所选层</translation>
    </message>
    <message>
        <source>Use the samples {name}</source>
        <translation>使用样本 {name}</translation>
    </message>
    <message>
        <source>Use the se&amp;lected layers</source>
        <translation>使用所选层(&amp;L)</translation>
    </message>
    <message>
        <source>Use the selected layers in step {number}, {method}</source>
        <translation>将所选层用于第 {number} 步 {method}</translation>
    </message>
    <message>
        <source>Use the selected layers in the current step</source>
        <translation>将所选层用于当前步骤</translation>
    </message>
    <message>
        <source>Use the suggested recipe</source>
        <translation>使用建议的配方</translation>
    </message>
    <message>
        <source>Use this recipe again: its steps replace those of the recipe panel; undo takes it back</source>
        <translation>再次使用此配方：其步骤将替换配方面板中的步骤；可撤销</translation>
    </message>
    <message>
        <source>Use {count} layer in {method}</source>
        <translation>将 {count} 层用于 {method}</translation>
    </message>
    <message>
        <source>Use {count} layers in {method}</source>
        <translation>将 {count} 层用于 {method}</translation>
    </message>
    <message>
        <source>Use {count} selected</source>
        <translation>使用所选的 {count} 层</translation>
    </message>
    <message>
        <source>Variant {number}: {steps}</source>
        <translation>变体 {number}：{steps}</translation>
    </message>
    <message>
        <source>Variants</source>
        <translation>变体</translation>
    </message>
    <message>
        <source>Versions</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Vertical axis</source>
        <translation>纵轴</translation>
    </message>
    <message>
        <source>Views</source>
        <translation>视图</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>警告</translation>
    </message>
    <message>
        <source>Warnings and errors</source>
        <translation>警告和错误</translation>
    </message>
    <message>
        <source>Waves of recordings</source>
        <translation>录音波形</translation>
    </message>
    <message>
        <source>Web page (*.html)</source>
        <translation>网页 (*.html)</translation>
    </message>
    <message>
        <source>Weight SQNR</source>
        <translation>权重 SQNR</translation>
    </message>
    <message>
        <source>Weight in the sum of the losses</source>
        <translation>在损失总和中的权重</translation>
    </message>
    <message>
        <source>Weight of the loss {name}</source>
        <translation>损失 {name} 的权重</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>What a job does is written here, line by line.</source>
        <translation>任务的每一步会逐行写在这里。</translation>
    </message>
    <message>
        <source>What a layer puts out is known once the model has run over the calibration samples.</source>
        <translation>模型在校准样本上运行后，才能知道各层的输出。</translation>
    </message>
    <message>
        <source>What happened</source>
        <translation>发生的情况</translation>
    </message>
    <message>
        <source>What is matched</source>
        <translation>配对内容</translation>
    </message>
    <message>
        <source>What the program notes about itself is written here; errors of jobs too.</source>
        <translation>程序自身的记录写在这里，任务的错误也在此。</translation>
    </message>
    <message>
        <source>When there are more, the oldest is deleted with its files</source>
        <translation>超过此数时，最旧的结果及其文件会被删除</translation>
    </message>
    <message>
        <source>Where it runs</source>
        <translation>运行位置</translation>
    </message>
    <message>
        <source>Where models run and are measured</source>
        <translation>模型运行和测量的位置</translation>
    </message>
    <message>
        <source>Where models run and are measured; automatic takes a GPU that really runs</source>
        <translation>模型运行和测量的位置；“自动”会选用确实可运行的 GPU</translation>
    </message>
    <message>
        <source>Where models run: this machine's best, its CPU or its GPU.</source>
        <translation>模型的运行位置：本机最佳设备、CPU 或 GPU。</translation>
    </message>
    <message>
        <source>Where {number} {variant} and the original disagree</source>
        <translation>{number} {variant} 与原始模型的分歧</translation>
    </message>
    <message>
        <source>Whether latency, load time, memory and energy are measured; size, fidelity and metrics always are.</source>
        <translation>是否测量延迟、加载时间、内存和能耗；大小、保真度和指标总会测量。</translation>
    </message>
    <message>
        <source>Which layers are listed</source>
        <translation>列出哪些层</translation>
    </message>
    <message>
        <source>Which samples</source>
        <translation>哪些样本</translation>
    </message>
    <message>
        <source>Whole run: {times}</source>
        <translation>整个运行：{times}</translation>
    </message>
    <message>
        <source>Words that must all hold; ! turns a word round.</source>
        <translation>各词须同时满足；! 表示取反。</translation>
    </message>
    <message>
        <source>Work on every layer that the method can work on</source>
        <translation>作用于该方法能处理的所有层</translation>
    </message>
    <message>
        <source>Work on the layers that are selected in the table and the graph</source>
        <translation>作用于在表格和计算图中所选的层</translation>
    </message>
    <message>
        <source>Works on the whole graph.</source>
        <translation>作用于整个计算图。</translation>
    </message>
    <message>
        <source>Write the compressed model to a file</source>
        <translation>将压缩后的模型写入文件</translation>
    </message>
    <message>
        <source>Write this variant as an ONNX file, checked and loaded on the way</source>
        <translation>将此变体写为 ONNX 文件，并在过程中检查和加载</translation>
    </message>
    <message>
        <source>Wrote {files}: {size}, checked and loaded.</source>
        <translation>已写入 {files}：{size}，已检查并加载。</translation>
    </message>
    <message>
        <source>Wrote {name}: {count} tensor, {size}.</source>
        <translation>已写入 {name}：{count} 个张量，{size}。</translation>
    </message>
    <message>
        <source>Wrote {name}: {count} tensors, {size}.</source>
        <translation>已写入 {name}：{count} 个张量，{size}。</translation>
    </message>
    <message>
        <source>Wrote {path}.</source>
        <translation>已写入 {path}。</translation>
    </message>
    <message>
        <source>Zeros</source>
        <translation>零值</translation>
    </message>
    <message>
        <source>Zoom &amp;in</source>
        <translation>放大(&amp;I)</translation>
    </message>
    <message>
        <source>Zoom &amp;out</source>
        <translation>缩小(&amp;O)</translation>
    </message>
    <message>
        <source>Zoom to &amp;selection</source>
        <translation>缩放到所选(&amp;S)</translation>
    </message>
    <message>
        <source>Zoom to selection</source>
        <translation>缩放到所选</translation>
    </message>
    <message>
        <source>about {count} h left</source>
        <translation>约剩 {count} 小时</translation>
    </message>
    <message>
        <source>about {count} min left</source>
        <translation>约剩 {count} 分钟</translation>
    </message>
    <message>
        <source>about {count} s left</source>
        <translation>约剩 {count} 秒</translation>
    </message>
    <message>
        <source>about {share} cut</source>
        <translation>约剪除 {share}</translation>
    </message>
    <message>
        <source>as the runtime chooses</source>
        <translation>由运行时选择</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>axis {axis}: {count}</source>
        <translation>轴 {axis}：{count}</translation>
    </message>
    <message>
        <source>being counted</source>
        <translation>正在统计</translation>
    </message>
    <message>
        <source>calibrated {low} to {high}</source>
        <translation>校准范围 {low} 至 {high}</translation>
    </message>
    <message>
        <source>canceled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>changed</source>
        <translation>已更改</translation>
    </message>
    <message>
        <source>channel</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>channel {channel}   {low} to {high}   {count}</source>
        <translation>通道 {channel}   {low} 至 {high}   {count}</translation>
    </message>
    <message>
        <source>channels {first} to {last}   {low} to {high}   at most {count}</source>
        <translation>通道 {first} 至 {last}   {low} 至 {high}   至多 {count}</translation>
    </message>
    <message>
        <source>classification</source>
        <translation>分类</translation>
    </message>
    <message>
        <source>conv or *conv1: a part of a name, or a pattern of a whole one</source>
        <translation>conv 或 *conv1：名称的一部分，或整个名称的模式</translation>
    </message>
    <message>
        <source>cosine {value}</source>
        <translation>余弦 {value}</translation>
    </message>
    <message>
        <source>count</source>
        <translation>个数</translation>
    </message>
    <message>
        <source>difference</source>
        <translation>差异</translation>
    </message>
    <message>
        <source>does not run: {why}</source>
        <translation>不能运行：{why}</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>each block of {count} weights has a grid of its own; {size}.</source>
        <translation>每 {count} 个权重为一块，各有自己的量化网格；{size}。</translation>
    </message>
    <message>
        <source>each output channel has a grid of its own; {size} afterwards.</source>
        <translation>每个输出通道有自己的量化网格；之后为 {size}。</translation>
    </message>
    <message>
        <source>each row has a grid of its own; {size} afterwards.</source>
        <translation>每行有自己的量化网格；之后为 {size}。</translation>
    </message>
    <message>
        <source>equal</source>
        <translation>相等</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>finishing</source>
        <translation>正在收尾</translation>
    </message>
    <message>
        <source>held-out loss</source>
        <translation>留出损失</translation>
    </message>
    <message>
        <source>held-out {name}</source>
        <translation>留出 {name}</translation>
    </message>
    <message>
        <source>helps</source>
        <translation>变好</translation>
    </message>
    <message>
        <source>high</source>
        <translation>高</translation>
    </message>
    <message>
        <source>higher is better</source>
        <translation>越高越好</translation>
    </message>
    <message>
        <source>hurts</source>
        <translation>变差</translation>
    </message>
    <message>
        <source>label</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>label {label}</source>
        <translation>标签 {label}</translation>
    </message>
    <message>
        <source>latency not measured</source>
        <translation>未测量延迟</translation>
    </message>
    <message>
        <source>left alone</source>
        <translation>未处理</translation>
    </message>
    <message>
        <source>loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>low</source>
        <translation>低</translation>
    </message>
    <message>
        <source>lower is better</source>
        <translation>越低越好</translation>
    </message>
    <message>
        <source>map</source>
        <translation>mAP</translation>
    </message>
    <message>
        <source>median {value} ms</source>
        <translation>中位数 {value} ms</translation>
    </message>
    <message>
        <source>no difference ({low} to {high})</source>
        <translation>无差异（{low} 至 {high}）</translation>
    </message>
    <message>
        <source>no difference (±{percent} %)</source>
        <translation>无差异（±{percent} %）</translation>
    </message>
    <message>
        <source>no finite value</source>
        <translation>没有有限值</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>not finite</source>
        <translation>非有限</translation>
    </message>
    <message>
        <source>not given</source>
        <translation>未给出</translation>
    </message>
    <message>
        <source>not in the student</source>
        <translation>不在学生中</translation>
    </message>
    <message>
        <source>not in the teacher</source>
        <translation>不在教师中</translation>
    </message>
    <message>
        <source>not measured</source>
        <translation>未测量</translation>
    </message>
    <message>
        <source>not there any more</source>
        <translation>已不存在</translation>
    </message>
    <message>
        <source>nothing clipped</source>
        <translation>无截断</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>on</source>
        <translation>开</translation>
    </message>
    <message>
        <source>original</source>
        <translation>原始模型</translation>
    </message>
    <message>
        <source>original {answer}</source>
        <translation>原始 {answer}</translation>
    </message>
    <message>
        <source>other values on purpose: another node was folded into the weights</source>
        <translation>数值不同是有意的：另一个节点已折叠进权重</translation>
    </message>
    <message>
        <source>paired</source>
        <translation>已配对</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>projection</source>
        <translation>学习投影</translation>
    </message>
    <message>
        <source>random inputs</source>
        <translation>随机输入</translation>
    </message>
    <message>
        <source>ranking</source>
        <translation>排序</translation>
    </message>
    <message>
        <source>regression</source>
        <translation>回归</translation>
    </message>
    <message>
        <source>row {row}</source>
        <translation>第 {row} 行</translation>
    </message>
    <message>
        <source>runs</source>
        <translation>可运行</translation>
    </message>
    <message>
        <source>same size</source>
        <translation>大小相同</translation>
    </message>
    <message>
        <source>samples: {name}</source>
        <translation>样本：{name}</translation>
    </message>
    <message>
        <source>scores</source>
        <translation>分数</translation>
    </message>
    <message>
        <source>similarity</source>
        <translation>相似度</translation>
    </message>
    <message>
        <source>size:&gt;1MB, parameters:&gt;1M, macs:&gt;100M, after:&lt;100kB, sparsity:&gt;50%, share:&gt;5%</source>
        <translation>size:&gt;1MB, parameters:&gt;1M, macs:&gt;100M, after:&lt;100kB, sparsity:&gt;50%, share:&gt;5%</translation>
    </message>
    <message>
        <source>some values are not numbers</source>
        <translation>有些值不是数值</translation>
    </message>
    <message>
        <source>step</source>
        <translation>步</translation>
    </message>
    <message>
        <source>step {step}</source>
        <translation>第 {step} 步</translation>
    </message>
    <message>
        <source>step {step}: {values}</source>
        <translation>第 {step} 步：{values}</translation>
    </message>
    <message>
        <source>stopping</source>
        <translation>正在停止</translation>
    </message>
    <message>
        <source>stored integer</source>
        <translation>存储的整数</translation>
    </message>
    <message>
        <source>the layer keeps its size.</source>
        <translation>该层大小不变。</translation>
    </message>
    <message>
        <source>the same values</source>
        <translation>值相同</translation>
    </message>
    <message>
        <source>the threshold depends on all selected layers together.</source>
        <translation>阈值取决于所有所选层的整体。</translation>
    </message>
    <message>
        <source>too few rows for an interval</source>
        <translation>行数太少，无法给出区间</translation>
    </message>
    <message>
        <source>transcription</source>
        <translation>转写</translation>
    </message>
    <message>
        <source>type:Conv, block:encoder/0, precision:int8, planned:static-int8</source>
        <translation>type:Conv, block:encoder/0, precision:int8, planned:static-int8</translation>
    </message>
    <message>
        <source>unit</source>
        <translation>单位</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>use the recipe of a variant</source>
        <translation>使用变体的配方</translation>
    </message>
    <message>
        <source>value</source>
        <translation>值</translation>
    </message>
    <message>
        <source>variant {answer}</source>
        <translation>变体 {answer}</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>weights at {db} dB SQNR</source>
        <translation>权重 SQNR 为 {db} dB</translation>
    </message>
    <message>
        <source>weights that layers share are counted in each</source>
        <translation>由多个层共享的权重在每个层中都计入</translation>
    </message>
    <message>
        <source>whole graph</source>
        <translation>整个计算图</translation>
    </message>
    <message>
        <source>widths differ: a projection is learned</source>
        <translation>宽度不同：会学习一个投影</translation>
    </message>
    <message>
        <source>{before} become {after}.</source>
        <translation>{before} 变为 {after}。</translation>
    </message>
    <message>
        <source>{changed} changed, {left} left alone</source>
        <translation>{changed} 层已更改，{left} 层未处理</translation>
    </message>
    <message>
        <source>{count} MACs</source>
        <translation>{count} MACs</translation>
    </message>
    <message>
        <source>{count} alike</source>
        <translation>{count} 个相同</translation>
    </message>
    <message>
        <source>{count} bytes</source>
        <translation>{count} 字节</translation>
    </message>
    <message>
        <source>{count} constant</source>
        <translation>{count} 个常量</translation>
    </message>
    <message>
        <source>{count} constants</source>
        <translation>{count} 个常量</translation>
    </message>
    <message>
        <source>{count} files were dropped. The first is opened.</source>
        <translation>拖入了 {count} 个文件，打开第一个。</translation>
    </message>
    <message>
        <source>{count} found</source>
        <translation>找到 {count} 个</translation>
    </message>
    <message>
        <source>{count} hidden by the filter</source>
        <translation>{count} 个被筛选隐藏</translation>
    </message>
    <message>
        <source>{count} job</source>
        <translation>{count} 个任务</translation>
    </message>
    <message>
        <source>{count} jobs</source>
        <translation>{count} 个任务</translation>
    </message>
    <message>
        <source>{count} layer</source>
        <translation>{count} 层</translation>
    </message>
    <message>
        <source>{count} layer: {figures}</source>
        <translation>{count} 层：{figures}</translation>
    </message>
    <message>
        <source>{count} layers</source>
        <translation>{count} 层</translation>
    </message>
    <message>
        <source>{count} layers: {figures}</source>
        <translation>{count} 层：{figures}</translation>
    </message>
    <message>
        <source>{count} names</source>
        <translation>{count} 个名称</translation>
    </message>
    <message>
        <source>{count} node</source>
        <translation>{count} 个节点</translation>
    </message>
    <message>
        <source>{count} nodes</source>
        <translation>{count} 个节点</translation>
    </message>
    <message>
        <source>{count} of them are shown; the CSV holds every row.</source>
        <translation>此处显示其中 {count} 行；CSV 包含所有行。</translation>
    </message>
    <message>
        <source>{count} of {total} layers</source>
        <translation>{total} 层中的 {count} 层</translation>
    </message>
    <message>
        <source>{count} of {total} rows are answered differently: {share} ({low} to {high})</source>
        <translation>{total} 行中有 {count} 行输出不同：{share}（{low} 至 {high}）</translation>
    </message>
    <message>
        <source>{count} outcome</source>
        <translation>{count} 个结果</translation>
    </message>
    <message>
        <source>{count} outcomes</source>
        <translation>{count} 个结果</translation>
    </message>
    <message>
        <source>{count} pair</source>
        <translation>{count} 对</translation>
    </message>
    <message>
        <source>{count} pairs</source>
        <translation>{count} 对</translation>
    </message>
    <message>
        <source>{count} parameters</source>
        <translation>{count} 个参数</translation>
    </message>
    <message>
        <source>{count} parameters, {size}</source>
        <translation>{count} 个参数，{size}</translation>
    </message>
    <message>
        <source>{count} record</source>
        <translation>{count} 条记录</translation>
    </message>
    <message>
        <source>{count} records</source>
        <translation>{count} 条记录</translation>
    </message>
    <message>
        <source>{count} refuse: show</source>
        <translation>{count} 层不适用：显示</translation>
    </message>
    <message>
        <source>{count} refuses: show</source>
        <translation>{count} 层不适用：显示</translation>
    </message>
    <message>
        <source>{count} rows</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} rows: {calibration} to calibrate, {evaluation} to evaluate</source>
        <translation>{count} 行：{calibration} 行用于校准，{evaluation} 行用于评估</translation>
    </message>
    <message>
        <source>{count} selected: {figures}</source>
        <translation>已选 {count} 层：{figures}</translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation>{count} 个等待中</translation>
    </message>
    <message>
        <source>{count} warning</source>
        <translation>{count} 条警告</translation>
    </message>
    <message>
        <source>{count} warnings</source>
        <translation>{count} 条警告</translation>
    </message>
    <message>
        <source>{cut}, below a magnitude of {threshold}.</source>
        <translation>{cut}，绝对值低于 {threshold}。</translation>
    </message>
    <message>
        <source>{file} does not say how large its inputs are. Give a type and a shape for each: sizes separated by x, where a word stands for a size that may change, as in batch x 3 x 224 x 224.</source>
        <translation>{file} 未说明其输入的大小。请为每个输入给出类型和形状：各维大小以 x 分隔，单词表示可变的大小，例如 batch x 3 x 224 x 224。</translation>
    </message>
    <message>
        <source>{hurt} hurt, {help} help</source>
        <translation>{hurt} 行变差，{help} 行变好</translation>
    </message>
    <message>
        <source>{jobs}, {count} unfinished</source>
        <translation>{jobs}，{count} 个未完成</translation>
    </message>
    <message>
        <source>{keys} belongs to “{action}”. Set moves it here and leaves that action without a shortcut.</source>
        <translation>{keys} 属于“{action}”。“设置”会将它移到这里，使那个操作没有快捷键。</translation>
    </message>
    <message>
        <source>{layers:,} layers, {nodes:,} nodes</source>
        <translation>{layers:,} 层，{nodes:,} 个节点</translation>
    </message>
    <message>
        <source>{layers}, {changed} changed</source>
        <translation>{layers}，{changed} 层已更改</translation>
    </message>
    <message>
        <source>{layer} takes most of the time: {percent} %. The table has the share of every layer.</source>
        <translation>{layer} 耗时最多：{percent} %。各层的占比见表格。</translation>
    </message>
    <message>
        <source>{levels} levels from {low} to {high}, {scale} apart; {clipped}.</source>
        <translation>从 {low} 到 {high} 共 {levels} 级，间隔 {scale}；{clipped}。</translation>
    </message>
    <message>
        <source>{low} to {high}   {counts}</source>
        <translation>{low} 至 {high}   {counts}</translation>
    </message>
    <message>
        <source>{low} to {high} over the runs</source>
        <translation>各次运行为 {low} 至 {high}</translation>
    </message>
    <message>
        <source>{low} to {high}, deviation {std}</source>
        <translation>{low} 至 {high}，标准差 {std}</translation>
    </message>
    <message>
        <source>{method} (fits no layer)</source>
        <translation>{method}（没有适用的层）</translation>
    </message>
    <message>
        <source>{method} does not work on the selected layers as it is.</source>
        <translation>{method} 目前不能作用于所选层。</translation>
    </message>
    <message>
        <source>{method} leaves it alone: {why}</source>
        <translation>{method} 不处理它：{why}</translation>
    </message>
    <message>
        <source>{method} works on the model as a whole.</source>
        <translation>{method} 作用于整个模型。</translation>
    </message>
    <message>
        <source>{metric}, original</source>
        <translation>{metric}，原始模型</translation>
    </message>
    <message>
        <source>{model}: before and after</source>
        <translation>{model}：前后对比</translation>
    </message>
    <message>
        <source>{name} exists already</source>
        <translation>{name} 已存在</translation>
    </message>
    <message>
        <source>{number} of {count}</source>
        <translation>第 {number} 个，共 {count} 个</translation>
    </message>
    <message>
        <source>{path} cannot be written: {why}.</source>
        <translation>无法写入 {path}：{why}。</translation>
    </message>
    <message>
        <source>{percent} %</source>
        <translation>{percent} %</translation>
    </message>
    <message>
        <source>{ratio}x faster ({low}–{high})</source>
        <translation>快 {ratio} 倍（{low}–{high}）</translation>
    </message>
    <message>
        <source>{ratio}x larger</source>
        <translation>大 {ratio} 倍</translation>
    </message>
    <message>
        <source>{ratio}x larger, predicted</source>
        <translation>预测大 {ratio} 倍</translation>
    </message>
    <message>
        <source>{ratio}x slower ({low}–{high})</source>
        <translation>慢 {ratio} 倍（{low}–{high}）</translation>
    </message>
    <message>
        <source>{ratio}x smaller</source>
        <translation>小 {ratio} 倍</translation>
    </message>
    <message>
        <source>{ratio}x smaller, predicted</source>
        <translation>预测小 {ratio} 倍</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} s</translation>
    </message>
    <message>
        <source>{share} %</source>
        <translation>{share} %</translation>
    </message>
    <message>
        <source>{share} % agree</source>
        <translation>{share} % 一致</translation>
    </message>
    <message>
        <source>{share} % of the values are smaller than this</source>
        <translation>{share} % 的值小于此值</translation>
    </message>
    <message>
        <source>{share} % quantile</source>
        <translation>{share} % 分位数</translation>
    </message>
    <message>
        <source>{share} clipped</source>
        <translation>截断 {share}</translation>
    </message>
    <message>
        <source>{share} cut</source>
        <translation>剪除 {share}</translation>
    </message>
    <message>
        <source>{share} of the measured time</source>
        <translation>占所测时间的 {share}</translation>
    </message>
    <message>
        <source>{shown} of {count}</source>
        <translation>{count} 中的 {shown}</translation>
    </message>
    <message>
        <source>{shown} of {total} layers</source>
        <translation>{total} 层中的 {shown} 层</translation>
    </message>
    <message>
        <source>{size} after the recipe, predicted</source>
        <translation>应用配方后预测为 {size}</translation>
    </message>
    <message>
        <source>{size} of it are the recipe and the figures that travel with it.</source>
        <translation>其中 {size} 是随文件附带的配方和测量数据。</translation>
    </message>
    <message>
        <source>{size} weights, no change predicted (estimate)</source>
        <translation>权重 {size}，预测无变化（估计）</translation>
    </message>
    <message>
        <source>{size}, with its external data</source>
        <translation>{size}，含外部数据</translation>
    </message>
    <message>
        <source>{step}, does not select this layer.</source>
        <translation>{step}，未选择此层。</translation>
    </message>
    <message>
        <source>{step}, leaves this layer alone: {reason}.</source>
        <translation>{step}，不处理此层：{reason}。</translation>
    </message>
    <message>
        <source>{step}: {effect}</source>
        <translation>{step}：{effect}</translation>
    </message>
    <message>
        <source>{step}: {fault}</source>
        <translation>{step}：{fault}</translation>
    </message>
    <message>
        <source>{value} (too few rows for an interval)</source>
        <translation>{value}（行数太少，无法给出区间）</translation>
    </message>
    <message>
        <source>{value} ({low} to {high})</source>
        <translation>{value}（{low} 至 {high}）</translation>
    </message>
    <message>
        <source>{value}, 95 % interval {low} to {high}, {count} rows</source>
        <translation>{value}，95 % 区间 {low} 至 {high}，{count} 行</translation>
    </message>
    <message>
        <source>{value}, {count} rows</source>
        <translation>{value}，{count} 行</translation>
    </message>
    <message>
        <source>{variant} ({precision}): {quality}</source>
        <translation>{variant}（{precision}）：{quality}</translation>
    </message>
    <message>
        <source>“{part}” is neither a size nor a word.</source>
        <translation>“{part}”既不是大小也不是单词。</translation>
    </message>
    <message>
        <source>“{word}” holds no amount. Write for example {example}.</source>
        <translation>“{word}”不含数量。请这样写：{example}。</translation>
    </message>
    <message>
        <source>≈ {size} of {whole} weights ({ratio}x smaller, estimate)</source>
        <translation>≈ {size}，权重共 {whole}（小 {ratio} 倍，估计）</translation>
    </message>
</context>
<context>
    <name>core</name>
    <message>
        <source> (the original)</source>
        <translation> （原始模型）</translation>
    </message>
    <message>
        <source> of opset {0}</source>
        <translation>（opset {0}）</translation>
    </message>
    <message>
        <source> of {0}</source>
        <translation>（{0}）</translation>
    </message>
    <message>
        <source>% of the original</source>
        <translation>% 于原始模型</translation>
    </message>
    <message>
        <source>1 thread</source>
        <translation>1 个线程</translation>
    </message>
    <message>
        <source>1 weight</source>
        <translation>1 个权重</translation>
    </message>
    <message>
        <source>4-bit rows are unpacked by BitShift, which needs opset 11, and the file has {0}</source>
        <translation>4 位的行由 BitShift 解包，需要 opset 11，而文件是 {0}</translation>
    </message>
    <message>
        <source>4-bit rows need a table with an even number of columns</source>
        <translation>4 位的行要求表的列数为偶数</translation>
    </message>
    <message>
        <source>7 bits avoid saturation on x86 processors without VNNI, at some loss of precision.</source>
        <translation>在没有 VNNI 的 x86 处理器上，7 位可避免饱和，但会损失一些精度。</translation>
    </message>
    <message>
        <source>; the BatchNormalization after it computes in float and makes the model slow: apply clean first</source>
        <translation>；其后的 BatchNormalization 以浮点计算，会使模型变慢：请先应用 clean</translation>
    </message>
    <message>
        <source>; they are integers already, many of one magnitude, of which the first in storage order went, and the ranges of activations are those of before: prune first, quantize afterwards</source>
        <translation>；它们已经是整数，许多绝对值相同，按存储顺序先去掉了前面的，而激活的范围仍是之前的：请先剪枝，再量化</translation>
    </message>
    <message>
        <source>; {0} were before</source>
        <translation>；此前为 {0}</translation>
    </message>
    <message>
        <source>A compression method: a frozen set of settings that turns one model into another.</source>
        <translation>压缩方法：一组固定的设置，把一个模型变成另一个模型。</translation>
    </message>
    <message>
        <source>A function can only be named on the command line</source>
        <translation>函数只能在命令行中指定</translation>
    </message>
    <message>
        <source>A layer selector is empty</source>
        <translation>有一个层选择器为空</translation>
    </message>
    <message>
        <source>A model that reads the text {0} cannot be trained</source>
        <translation>无法训练读取文本 {0} 的模型</translation>
    </message>
    <message>
        <source>A multi-layer perceptron 784-256-128-10 that reads handwritten digits: three fully connected layers, ReLU between them.</source>
        <translation>识别手写数字的多层感知机 784-256-128-10：三个全连接层，层间为 ReLU。</translation>
    </message>
    <message>
        <source>A ranker of an online shop: embedding tables, a factorization machine and a small perceptron (DeepFM).</source>
        <translation>网店的排序模型：嵌入表、因子分解机和一个小型感知机（DeepFM）。</translation>
    </message>
    <message>
        <source>A report cannot be written as {0}</source>
        <translation>报告无法写成 {0}</translation>
    </message>
    <message>
        <source>A sample can have one or two texts</source>
        <translation>一个样本可以有一段或两段文本</translation>
    </message>
    <message>
        <source>A score per row is needed and {0} has {1} classes</source>
        <translation>每行需要一个分数，而 {0} 有 {1} 个类别</translation>
    </message>
    <message>
        <source>A share of zeros must be between 0 and 1</source>
        <translation>零的占比必须在 0 到 1 之间</translation>
    </message>
    <message>
        <source>A similarity task needs two text columns</source>
        <translation>相似度任务需要两个文本列</translation>
    </message>
    <message>
        <source>A small BERT (two layers, 128 wide, four heads) that reads a review and says which department the item belongs to and whether the customer recommends it.</source>
        <translation>小型 BERT（两层，宽 128，四个头），阅读商品评论，判断商品所属部门以及顾客是否推荐。</translation>
    </message>
    <message>
        <source>A small MobileNetV2 (inverted residuals, depthwise convolutions, ReLU6) that recognizes articles of clothing.</source>
        <translation>识别服装的小型 MobileNetV2（倒残差、深度卷积、ReLU6）。</translation>
    </message>
    <message>
        <source>A worker process could not be started</source>
        <translation>无法启动工作进程</translation>
    </message>
    <message>
        <source>Accumulate</source>
        <translation>梯度累积</translation>
    </message>
    <message>
        <source>Activation symmetric</source>
        <translation>激活对称</translation>
    </message>
    <message>
        <source>Activations</source>
        <translation>激活类型</translation>
    </message>
    <message>
        <source>Allow changes to export it all the same</source>
        <translation>如仍要导出，请允许更改</translation>
    </message>
    <message>
        <source>Alpha</source>
        <translation>教师占比</translation>
    </message>
    <message>
        <source>Another instance of the model could not be started</source>
        <translation>无法启动模型的另一个实例</translation>
    </message>
    <message>
        <source>Assistants</source>
        <translation>助教模型</translation>
    </message>
    <message>
        <source>At least one loss must have a weight above 0</source>
        <translation>至少一个损失的权重必须大于 0</translation>
    </message>
    <message>
        <source>Attention</source>
        <translation>注意力层对</translation>
    </message>
    <message>
        <source>Average first, quantize afterwards</source>
        <translation>请先平均，再量化</translation>
    </message>
    <message>
        <source>Average the weights of this model with those of its teacher, of other runs, or of its own checkpoints.</source>
        <translation>将此模型的权重与其教师、其他运行或自身检查点的权重平均。</translation>
    </message>
    <message>
        <source>Balance</source>
        <translation>损失平衡</translation>
    </message>
    <message>
        <source>Batch norm</source>
        <translation>批归一化</translation>
    </message>
    <message>
        <source>Batch size</source>
        <translation>批大小</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>位数</translation>
    </message>
    <message>
        <source>Bits per weight; 4 needs opset 21, but not for tables.</source>
        <translation>每个权重的位数；4 位需要 opset 21，嵌入表除外。</translation>
    </message>
    <message>
        <source>Block size</source>
        <translation>块大小</translation>
    </message>
    <message>
        <source>Caffe models are not read</source>
        <translation>不读取 Caffe 模型</translation>
    </message>
    <message>
        <source>Calibration</source>
        <translation>校准方式</translation>
    </message>
    <message>
        <source>Calibration rows to use at most.</source>
        <translation>最多使用的校准样本行数。</translation>
    </message>
    <message>
        <source>Call it {0}</source>
        <translation>请命名为 {0}</translation>
    </message>
    <message>
        <source>Call it {0}.npz</source>
        <translation>请命名为 {0}.npz</translation>
    </message>
    <message>
        <source>Check its permissions</source>
        <translation>请检查其权限</translation>
    </message>
    <message>
        <source>Check the file's permissions</source>
        <translation>请检查文件权限</translation>
    </message>
    <message>
        <source>Check the labels file or name another output</source>
        <translation>请检查标签文件，或指定另一个输出</translation>
    </message>
    <message>
        <source>Check the model with the tool that made it</source>
        <translation>请用生成该模型的工具检查它</translation>
    </message>
    <message>
        <source>Check the path</source>
        <translation>请检查路径</translation>
    </message>
    <message>
        <source>Check the samples</source>
        <translation>请检查样本</translation>
    </message>
    <message>
        <source>Check the samples and the model</source>
        <translation>请检查样本和模型</translation>
    </message>
    <message>
        <source>Check the samples' shapes and types</source>
        <translation>请检查样本的形状和类型</translation>
    </message>
    <message>
        <source>Check the samples, or report this model</source>
        <translation>请检查样本，或报告此模型</translation>
    </message>
    <message>
        <source>Checkpoint seconds</source>
        <translation>检查点间隔（秒）</translation>
    </message>
    <message>
        <source>Choose a file name</source>
        <translation>请选择文件名</translation>
    </message>
    <message>
        <source>Choose a loss that looks at each row alone, such as bce</source>
        <translation>请选择逐行计算的损失，例如 bce</translation>
    </message>
    <message>
        <source>Choose a model with the same inputs, outputs and layers</source>
        <translation>请选择输入、输出和层都相同的模型</translation>
    </message>
    <message>
        <source>Choose another file or folder</source>
        <translation>请选择其他文件或文件夹</translation>
    </message>
    <message>
        <source>Choose another folder</source>
        <translation>请选择其他文件夹</translation>
    </message>
    <message>
        <source>Choose another teacher or student</source>
        <translation>请选择其他教师或学生</translation>
    </message>
    <message>
        <source>Choose another value</source>
        <translation>请选择其他内部值</translation>
    </message>
    <message>
        <source>Choose from {0}</source>
        <translation>请从 {0} 中选择</translation>
    </message>
    <message>
        <source>Choose one in the list of variants</source>
        <translation>请在变体列表中选择一个</translation>
    </message>
    <message>
        <source>Choose one of classification, ranking, {0}</source>
        <translation>请从 classification、ranking、{0} 中选择</translation>
    </message>
    <message>
        <source>Choose one of {0}</source>
        <translation>请从 {0} 中选择</translation>
    </message>
    <message>
        <source>Choose the output of a node of the main graph</source>
        <translation>请选择主图中某个节点的输出</translation>
    </message>
    <message>
        <source>Choose two outputs of Softmax, or two of layers</source>
        <translation>请选择两个 Softmax 的输出，或两个层的输出</translation>
    </message>
    <message>
        <source>Choose values of convolutions or tokens</source>
        <translation>请选择卷积或词元的内部值</translation>
    </message>
    <message>
        <source>Choose values of the same kind</source>
        <translation>请选择同类的内部值</translation>
    </message>
    <message>
        <source>Clip</source>
        <translation>梯度裁剪</translation>
    </message>
    <message>
        <source>Close other programs or use a smaller model</source>
        <translation>请关闭其他程序，或使用较小的模型</translation>
    </message>
    <message>
        <source>Column {0} of {1} cannot be used</source>
        <translation>无法使用 {1} 的列 {0}</translation>
    </message>
    <message>
        <source>Compare the latency of the models of this folder.</source>
        <translation>比较此文件夹中各模型的延迟。</translation>
    </message>
    <message>
        <source>Compile</source>
        <translation>编译</translation>
    </message>
    <message>
        <source>Compile the training step with torch.compile; auto where it is likely to pay.</source>
        <translation>用 torch.compile 编译训练步骤；auto 表示在可能有收益时编译。</translation>
    </message>
    <message>
        <source>Complete the file or remove them</source>
        <translation>请补全文件或删除它们</translation>
    </message>
    <message>
        <source>Compute what does not depend on the inputs once, as far as the file does not grow.</source>
        <translation>不依赖输入的部分只计算一次，前提是文件不变大。</translation>
    </message>
    <message>
        <source>Convert convolutions too: smaller files, but ONNX Runtime computes them 3 to 12 times slower on a CPU.</source>
        <translation>卷积也转换：文件更小，但 ONNX Runtime 在 CPU 上计算它们要慢 3 到 12 倍。</translation>
    </message>
    <message>
        <source>Convert it to PCM</source>
        <translation>请转换为 PCM</translation>
    </message>
    <message>
        <source>Convert it with paddle2onnx</source>
        <translation>请用 paddle2onnx 转换</translation>
    </message>
    <message>
        <source>Convert it with skl2onnx where it was made</source>
        <translation>请在生成它的环境中用 skl2onnx 转换</translation>
    </message>
    <message>
        <source>Convert it with tf2onnx</source>
        <translation>请用 tf2onnx 转换</translation>
    </message>
    <message>
        <source>Convert the model with paddle2onnx</source>
        <translation>请用 paddle2onnx 转换模型</translation>
    </message>
    <message>
        <source>Convert the recordings to WAV</source>
        <translation>请把录音转换为 WAV</translation>
    </message>
    <message>
        <source>Convolutions</source>
        <translation>转换卷积</translation>
    </message>
    <message>
        <source>Copy the data file again</source>
        <translation>请重新复制数据文件</translation>
    </message>
    <message>
        <source>Core ML models are not read</source>
        <translation>不读取 Core ML 模型</translation>
    </message>
    <message>
        <source>Correct the file</source>
        <translation>请更正文件</translation>
    </message>
    <message>
        <source>Create it or choose another</source>
        <translation>请创建它或另选一个</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>训练数据</translation>
    </message>
    <message>
        <source>Decay</source>
        <translation>EMA 衰减</translation>
    </message>
    <message>
        <source>DequantizeLinear needs opset 10 and the file has {0}</source>
        <translation>DequantizeLinear 需要 opset 10，而文件是 {0}</translation>
    </message>
    <message>
        <source>Did you mean {0}?</source>
        <translation>您是指 {0} 吗？</translation>
    </message>
    <message>
        <source>Digit MLP</source>
        <translation>数字识别 MLP</translation>
    </message>
    <message>
        <source>Divisor of logits that softens the class probabilities to be learned.</source>
        <translation>logits 的除数，用于软化待学习的类别概率。</translation>
    </message>
    <message>
        <source>Download or export it again</source>
        <translation>请重新下载或导出</translation>
    </message>
    <message>
        <source>Download or pack it again</source>
        <translation>请重新下载或打包</translation>
    </message>
    <message>
        <source>Download the model again</source>
        <translation>请重新下载模型</translation>
    </message>
    <message>
        <source>DynamicQuantizeLinear needs opset 11 and the file has {0}</source>
        <translation>DynamicQuantizeLinear 需要 opset 11，而文件是 {0}</translation>
    </message>
    <message>
        <source>EMA</source>
        <translation>权重 EMA</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>训练轮数</translation>
    </message>
    <message>
        <source>Every process holds all weights, or each a part (for models that do not fit).</source>
        <translation>每个进程持有全部权重，或各持一部分（用于单卡放不下的模型）。</translation>
    </message>
    <message>
        <source>Expanded to float once at load, by DequantizeLinear at every call, or as ONNX Runtime's own MatMulNBits.</source>
        <translation>加载时一次展开为浮点、每次调用时由 DequantizeLinear 展开，或采用 ONNX Runtime 自有的 MatMulNBits。</translation>
    </message>
    <message>
        <source>Export it again</source>
        <translation>请重新导出</translation>
    </message>
    <message>
        <source>Export it again with torch.export.save</source>
        <translation>请用 torch.export.save 重新导出</translation>
    </message>
    <message>
        <source>Export it on another</source>
        <translation>请在另一台机器上导出</translation>
    </message>
    <message>
        <source>Export it to ONNX with the tool that made it</source>
        <translation>请用生成它的工具导出为 ONNX</translation>
    </message>
    <message>
        <source>Export it with a newer opset or another type</source>
        <translation>请用更新的 opset 或其他类型导出</translation>
    </message>
    <message>
        <source>Export the model that uses it to ONNX</source>
        <translation>请把使用它的模型导出为 ONNX</translation>
    </message>
    <message>
        <source>Export the model with input shapes</source>
        <translation>请带输入形状导出模型</translation>
    </message>
    <message>
        <source>Export the model without it</source>
        <translation>请导出不含它的模型</translation>
    </message>
    <message>
        <source>Export without comparing to have it all the same</source>
        <translation>如仍需要，请不经比较直接导出</translation>
    </message>
    <message>
        <source>Fidelity to the original's outputs (SQNR)</source>
        <translation>与原始模型输出的保真度（SQNR）</translation>
    </message>
    <message>
        <source>Figures come from random inputs. They say nothing about accuracy on real data.</source>
        <translation>数值来自随机输入，不能说明在真实数据上的准确率。</translation>
    </message>
    <message>
        <source>Fold</source>
        <translation>折叠</translation>
    </message>
    <message>
        <source>Fold batch norms, scales, biases and padding into kernels, and fuse standard patterns.</source>
        <translation>把批归一化、缩放、偏置和填充折叠进卷积核，并融合标准模式。</translation>
    </message>
    <message>
        <source>Fold constants and batch norms, fuse standard patterns, and remove what is unused, repeated or without effect.</source>
        <translation>折叠常量和批归一化，融合标准模式，删除未使用、重复或无作用的部分。</translation>
    </message>
    <message>
        <source>Form</source>
        <translation>形式</translation>
    </message>
    <message>
        <source>Forward passes per update of the weights, where one large one does not fit.</source>
        <translation>每次更新权重的前向传播次数，用于内存放不下大批次时。</translation>
    </message>
    <message>
        <source>Free space or choose another disk</source>
        <translation>请释放空间或选择其他磁盘</translation>
    </message>
    <message>
        <source>Free space or choose another folder</source>
        <translation>请释放空间或选择其他文件夹</translation>
    </message>
    <message>
        <source>Free space or choose another folder in the settings</source>
        <translation>请释放空间，或在设置中选择其他文件夹</translation>
    </message>
    <message>
        <source>Fuse</source>
        <translation>融合</translation>
    </message>
    <message>
        <source>Give '*' for every layer</source>
        <translation>用 '*' 表示所有层</translation>
    </message>
    <message>
        <source>Give --input NAME:DTYPE:SHAPE for each, such as --input x:float32:batchx3x224x224</source>
        <translation>请为每个输入给出 --input NAME:DTYPE:SHAPE，例如 --input x:float32:batchx3x224x224</translation>
    </message>
    <message>
        <source>Give a YAML file</source>
        <translation>请给出 YAML 文件</translation>
    </message>
    <message>
        <source>Give a file or `energy`</source>
        <translation>请给出文件或 `energy`</translation>
    </message>
    <message>
        <source>Give a file with the same inputs and outputs</source>
        <translation>请提供输入和输出相同的文件</translation>
    </message>
    <message>
        <source>Give a file, `index` or `folders`</source>
        <translation>请给出文件、`index` 或 `folders`</translation>
    </message>
    <message>
        <source>Give a folder or file of samples</source>
        <translation>请给出样本文件夹或文件</translation>
    </message>
    <message>
        <source>Give a folder or file with samples</source>
        <translation>请给出含样本的文件夹或文件</translation>
    </message>
    <message>
        <source>Give a model with the same inputs and outputs</source>
        <translation>请给出输入和输出相同的模型</translation>
    </message>
    <message>
        <source>Give a name, a pattern, type:, block: or size:</source>
        <translation>请给出名称、模式、type:、block: 或 size:</translation>
    </message>
    <message>
        <source>Give a new folder</source>
        <translation>请给出新文件夹</translation>
    </message>
    <message>
        <source>Give at least two rows or recordings</source>
        <translation>请至少给出两行或两段录音</translation>
    </message>
    <message>
        <source>Give images, WAV files, .npz, .npy, .csv, .parquet, .txt or a .yaml description</source>
        <translation>请给出图像、WAV 文件、.npz、.npy、.csv、.parquet、.txt 或 .yaml 描述文件</translation>
    </message>
    <message>
        <source>Give it as module:function</source>
        <translation>请以 module:function 形式给出</translation>
    </message>
    <message>
        <source>Give labeled samples</source>
        <translation>请给出带标签的样本</translation>
    </message>
    <message>
        <source>Give one file of the same name for each</source>
        <translation>请为每个给出一个同名文件</translation>
    </message>
    <message>
        <source>Give one number per row</source>
        <translation>请为每行给出一个数</translation>
    </message>
    <message>
        <source>Give other rows, or leave data empty to learn from calibration rows</source>
        <translation>请提供其他样本，或将 data 留空以便从校准样本学习</translation>
    </message>
    <message>
        <source>Give other samples</source>
        <translation>请给出其他样本</translation>
    </message>
    <message>
        <source>Give the .json of a run</source>
        <translation>请给出某次运行的 .json</translation>
    </message>
    <message>
        <source>Give the frame length</source>
        <translation>请给出帧长</translation>
    </message>
    <message>
        <source>Give the layout</source>
        <translation>请给出布局</translation>
    </message>
    <message>
        <source>Give the rate</source>
        <translation>请给出采样率</translation>
    </message>
    <message>
        <source>Give the tokenizer it was trained with</source>
        <translation>请给出训练时所用的分词器</translation>
    </message>
    <message>
        <source>Give them</source>
        <translation>请给出它们</translation>
    </message>
    <message>
        <source>Greatest norm of the gradient; 0 sets no bound.</source>
        <translation>梯度范数的上限；0 表示不限。</translation>
    </message>
    <message>
        <source>Hears speech in noise, one frame of 32 ms per call: a spectrum (a convolution with fixed Fourier weights), a convolution and an LSTM whose state the caller carries from call to call.</source>
        <translation>在噪声中检测语音，每次调用处理一帧 32 ms：频谱（权重为固定傅里叶系数的卷积）、一个卷积，以及状态由调用方在各次调用间传递的 LSTM。</translation>
    </message>
    <message>
        <source>Highest learning rate; 0 finds one by a range test before the first step.</source>
        <translation>最高学习率；0 表示在第一步之前用范围测试寻找。</translation>
    </message>
    <message>
        <source>Holdout</source>
        <translation>留出占比</translation>
    </message>
    <message>
        <source>How gradients become updates.</source>
        <translation>如何由梯度得到更新。</translation>
    </message>
    <message>
        <source>How ranges of activations are found.</source>
        <translation>如何确定激活的范围。</translation>
    </message>
    <message>
        <source>How the learning rate changes after warm-up.</source>
        <translation>预热后学习率如何变化。</translation>
    </message>
    <message>
        <source>INT8 rows with a scale each</source>
        <translation>INT8 行，每行一个缩放因子</translation>
    </message>
    <message>
        <source>INT8 weights {0}; it computes in float, as ONNX Runtime has no integer kernel for it</source>
        <translation>INT8 权重（{0}）；仍以浮点计算，因为 ONNX Runtime 没有它的整数内核</translation>
    </message>
    <message>
        <source>INT8 weights {0}; it computes in float: {1}</source>
        <translation>INT8 权重（{0}）；仍以浮点计算：{1}</translation>
    </message>
    <message>
        <source>INT8 {0}, activations rounded at every call</source>
        <translation>INT8（{0}），激活在每次调用时取整</translation>
    </message>
    <message>
        <source>INT8 {0}, {1} activations</source>
        <translation>INT8（{0}），{1} 激活</translation>
    </message>
    <message>
        <source>INT{0} in blocks of {1} as com.microsoft.MatMulNBits, for ONNX Runtime only</source>
        <translation>INT{0}，每块 {1} 个，采用 com.microsoft.MatMulNBits，仅适用于 ONNX Runtime</translation>
    </message>
    <message>
        <source>INT{0} in blocks of {1}, expanded at every call</source>
        <translation>INT{0}，每块 {1} 个，每次调用时展开</translation>
    </message>
    <message>
        <source>INT{0} rows with a scale each</source>
        <translation>INT{0} 行，每行一个缩放因子</translation>
    </message>
    <message>
        <source>INT{0} {1}, expanded {2}</source>
        <translation>INT{0}（{1}），{2}展开</translation>
    </message>
    <message>
        <source>IR version {0} became {1}</source>
        <translation>IR 版本 {0} 变为 {1}</translation>
    </message>
    <message>
        <source>Image network</source>
        <translation>图像网络</translation>
    </message>
    <message>
        <source>ImageNet's mean and standard deviation</source>
        <translation>ImageNet 的均值和标准差</translation>
    </message>
    <message>
        <source>Images of size {0} do not fit input {1}</source>
        <translation>尺寸为 {0} 的图像与输入 {1} 不符</translation>
    </message>
    <message>
        <source>Initialize</source>
        <translation>由教师初始化</translation>
    </message>
    <message>
        <source>Inner values to match: "auto", or "teacher value =&gt; student value; ..."; the loss is called features.</source>
        <translation>要匹配的内部值："auto" 或 "教师值 =&gt; 学生值; ..."；该损失名为 features。</translation>
    </message>
    <message>
        <source>Input {0} cannot take images</source>
        <translation>输入 {0} 不能接收图像</translation>
    </message>
    <message>
        <source>Input {0} is given the same value everywhere ({1}).</source>
        <translation>输入 {0} 处处都是同一个值（{1}）。</translation>
    </message>
    <message>
        <source>Input {0} is given values from {1} to {2}; image networks usually expect values around zero, so normalization may be missing.</source>
        <translation>输入 {0} 的取值为 {1} 到 {2}；图像网络通常要求零附近的值，可能缺少归一化。</translation>
    </message>
    <message>
        <source>Input {0} is given values that are not finite.</source>
        <translation>输入 {0} 的取值中有非有限值。</translation>
    </message>
    <message>
        <source>Input {0} takes frames of any length</source>
        <translation>输入 {0} 接收任意长度的帧</translation>
    </message>
    <message>
        <source>Install it with: pip install 'compression-studio[keras]'</source>
        <translation>安装方法：pip install 'compression-studio[keras]'</translation>
    </message>
    <message>
        <source>Install onnxruntime or onnxruntime-gpu</source>
        <translation>请安装 onnxruntime 或 onnxruntime-gpu</translation>
    </message>
    <message>
        <source>Install packages built for this processor</source>
        <translation>请安装为此处理器构建的软件包</translation>
    </message>
    <message>
        <source>It has another shape in the result: {0}.</source>
        <translation>它在结果中的形状不同：{0}。</translation>
    </message>
    <message>
        <source>It has: {0}</source>
        <translation>其中有：{0}</translation>
    </message>
    <message>
        <source>It is not clear where the channels of input {0} are</source>
        <translation>不清楚输入 {0} 的通道在哪一维</translation>
    </message>
    <message>
        <source>It is not clear which columns of {0} hold the text</source>
        <translation>不清楚 {0} 的哪些列是文本</translation>
    </message>
    <message>
        <source>It is not known how many channels {0}'s value {1} has</source>
        <translation>{0}的内部值 {1} 的通道数未知</translation>
    </message>
    <message>
        <source>It was removed: start training anew</source>
        <translation>它已被删除：请重新开始训练</translation>
    </message>
    <message>
        <source>Its columns are: {0}</source>
        <translation>它的列有：{0}</translation>
    </message>
    <message>
        <source>Its inputs are: {0}</source>
        <translation>它的输入有：{0}</translation>
    </message>
    <message>
        <source>Its outputs are: {0}</source>
        <translation>它的输出有：{0}</translation>
    </message>
    <message>
        <source>Its settings are: {0}</source>
        <translation>它的设置有：{0}</translation>
    </message>
    <message>
        <source>Keep I/O</source>
        <translation>保持输入输出类型</translation>
    </message>
    <message>
        <source>Keep one of equal computations and one of equal constants.</source>
        <translation>相同的计算和相同的常量各保留一份。</translation>
    </message>
    <message>
        <source>Keep the moving average of the weights: the share an update leaves in place; 0 keeps the latest.</source>
        <translation>保留权重的滑动平均：每次更新后保留的占比；0 表示保留最新权重。</translation>
    </message>
    <message>
        <source>Keep the statistics of batch normalization, train them, or also restore those that were folded into weights.</source>
        <translation>保持批归一化的统计量不变、训练它们，或还原已折叠进权重的批归一化。</translation>
    </message>
    <message>
        <source>Keep the weights of losses as given, or bring all losses to one scale first.</source>
        <translation>按给定值使用各损失的权重，或先将所有损失调到同一尺度。</translation>
    </message>
    <message>
        <source>Keep zeros</source>
        <translation>保持零值</translation>
    </message>
    <message>
        <source>Keras is not installed</source>
        <translation>未安装 Keras</translation>
    </message>
    <message>
        <source>Keras model</source>
        <translation>Keras 模型</translation>
    </message>
    <message>
        <source>Known are version, seed and steps</source>
        <translation>可用的有 version、seed 和 steps</translation>
    </message>
    <message>
        <source>Known are {0}</source>
        <translation>可用的有 {0}</translation>
    </message>
    <message>
        <source>Known are: {0}</source>
        <translation>可用的有：{0}</translation>
    </message>
    <message>
        <source>L1 share</source>
        <translation>L1 占比</translation>
    </message>
    <message>
        <source>Latency, median to 95th percentile</source>
        <translation>延迟，中位数到第 95 百分位数</translation>
    </message>
    <message>
        <source>Latency, with its 95 % interval</source>
        <translation>延迟及其 95 % 区间</translation>
    </message>
    <message>
        <source>Latency: seconds must be more than 0, not {0}</source>
        <translation>延迟：秒数必须大于 0，而不是 {0}</translation>
    </message>
    <message>
        <source>Latency: {0} must be at least {1}, not {2}</source>
        <translation>延迟：{0} 必须至少为 {1}，而不是 {2}</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>Leave --input out</source>
        <translation>请去掉 --input</translation>
    </message>
    <message>
        <source>Leave it out</source>
        <translation>请省略它</translation>
    </message>
    <message>
        <source>Leave it out or give `missing`</source>
        <translation>请省略它，或给出 `missing`</translation>
    </message>
    <message>
        <source>Leave losses at auto</source>
        <translation>请让 losses 保持 auto</translation>
    </message>
    <message>
        <source>Leave out the step that trains</source>
        <translation>请去掉训练步骤</translation>
    </message>
    <message>
        <source>Leave out the step that trains, or export the model without this operator</source>
        <translation>请去掉训练步骤，或导出不含此算子的模型</translation>
    </message>
    <message>
        <source>Leave the model's files in place and try again</source>
        <translation>请保持模型文件不动，然后重试</translation>
    </message>
    <message>
        <source>Leave the types of the model's inputs and outputs as they are.</source>
        <translation>保持模型输入和输出的类型不变。</translation>
    </message>
    <message>
        <source>Leave this pair out</source>
        <translation>请去掉这一对</translation>
    </message>
    <message>
        <source>Let it end earlier, or train for more steps</source>
        <translation>请让它更早结束，或训练更多步</translation>
    </message>
    <message>
        <source>Let the ranges of activations reach equally far on both sides of zero.</source>
        <translation>让激活的范围在零的两侧对称。</translation>
    </message>
    <message>
        <source>Load it where it was made and save it with torch.onnx.export(model, inputs, 'model.onnx')</source>
        <translation>请在生成它的环境中加载，并用 torch.onnx.export(model, inputs, 'model.onnx') 保存</translation>
    </message>
    <message>
        <source>Longest time; fewer steps are made if they would take longer. 0 sets no limit.</source>
        <translation>最长时间；若会超时则减少步数。0 表示不限。</translation>
    </message>
    <message>
        <source>Losses</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>Magnitude below which a weight becomes zero (mode threshold).</source>
        <translation>绝对值低于此值的权重置零（模式 threshold）。</translation>
    </message>
    <message>
        <source>Make batch-size smaller, and accumulate larger</source>
        <translation>请减小 batch-size，并增大 accumulate</translation>
    </message>
    <message>
        <source>Map a column or array to it</source>
        <translation>请把一列或一个数组映射到它</translation>
    </message>
    <message>
        <source>Map columns to it; the table has: {0}</source>
        <translation>请把列映射到它；表中有：{0}</translation>
    </message>
    <message>
        <source>MatMulNBits has no form for {0}</source>
        <translation>MatMulNBits 没有适用于 {0} 的形式</translation>
    </message>
    <message>
        <source>Measuring: seconds must be more than 0, not {0}</source>
        <translation>测量：秒数必须大于 0，而不是 {0}</translation>
    </message>
    <message>
        <source>Measuring: {0} must be at least {1}, not {2}</source>
        <translation>测量：{0} 必须至少为 {1}，而不是 {2}</translation>
    </message>
    <message>
        <source>Memory ran out at the node {0} ({1})</source>
        <translation>在节点 {0}（{1}）处内存不足</translation>
    </message>
    <message>
        <source>Minutes</source>
        <translation>时限（分钟）</translation>
    </message>
    <message>
        <source>Mode</source>
        <translation>模式</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>其他模型</translation>
    </message>
    <message>
        <source>Mul with broadcasting needs opset 7 and the file has {0}</source>
        <translation>带广播的 Mul 需要 opset 7，而文件是 {0}</translation>
    </message>
    <message>
        <source>NVML error {0}</source>
        <translation>NVML 错误 {0}</translation>
    </message>
    <message>
        <source>Name an output with one score, or two classes</source>
        <translation>请指定一个单分数或两类的输出</translation>
    </message>
    <message>
        <source>Name one or two of: {0}</source>
        <translation>请从中指定一个或两个：{0}</translation>
    </message>
    <message>
        <source>Name the arrays as the inputs, or map them; it has: {0}</source>
        <translation>请按输入名称命名数组，或进行映射；其中有：{0}</translation>
    </message>
    <message>
        <source>Name the input, or give other samples</source>
        <translation>请指定输入，或给出其他样本</translation>
    </message>
    <message>
        <source>No output of the model fits the labels</source>
        <translation>模型没有与标签相符的输出</translation>
    </message>
    <message>
        <source>No output of {0} depends on its value {1}</source>
        <translation>{0}没有输出依赖于其内部值 {1}</translation>
    </message>
    <message>
        <source>No session options could be measured</source>
        <translation>没有能测量的会话选项</translation>
    </message>
    <message>
        <source>No session options stay within {0} ms</source>
        <translation>没有会话选项能保持在 {0} ms 以内</translation>
    </message>
    <message>
        <source>Nothing tells which models a soup should hold</source>
        <translation>没有依据判断模型汤应包含哪些模型</translation>
    </message>
    <message>
        <source>Number its categories first</source>
        <translation>请先给其类别编号</translation>
    </message>
    <message>
        <source>Number them from 0 as in training</source>
        <translation>请像训练时一样从 0 开始编号</translation>
    </message>
    <message>
        <source>ONNX Runtime cannot be imported</source>
        <translation>无法导入 ONNX Runtime</translation>
    </message>
    <message>
        <source>ONNX Runtime computes dynamic INT8 convolutions 3 to 12 times slower than float; static-int8 is fast</source>
        <translation>ONNX Runtime 计算动态 INT8 卷积比浮点慢 3 到 12 倍；static-int8 则很快</translation>
    </message>
    <message>
        <source>ONNX file of a smaller model with the same inputs and outputs to train; empty trains the model of this step.</source>
        <translation>待训练的较小模型的 ONNX 文件，输入和输出须相同；留空则训练此步骤的模型。</translation>
    </message>
    <message>
        <source>ONNX file of the teacher; empty takes the model before the first step.</source>
        <translation>教师的 ONNX 文件；留空则用第一步之前的模型。</translation>
    </message>
    <message>
        <source>ONNX files of sizes between teacher and student, "large.onnx; middle.onnx"; each teaches the next.</source>
        <translation>大小介于教师与学生之间的 ONNX 文件，如 "large.onnx; middle.onnx"；每个教下一个。</translation>
    </message>
    <message>
        <source>On {0} samples {1} is {2} as prepared and {3} with {4}</source>
        <translation>在 {0} 个样本上，按当前预处理 {1} 为 {2}，改用 {4} 则为 {3}</translation>
    </message>
    <message>
        <source>One of {0} processes</source>
        <translation>{0} 个进程中的一个</translation>
    </message>
    <message>
        <source>One scale per output channel instead of one per tensor, where blocks are not used.</source>
        <translation>不分块时，每个输出通道一个缩放因子，而不是每个张量一个。</translation>
    </message>
    <message>
        <source>One scale per output channel instead of one per weight tensor.</source>
        <translation>每个输出通道一个缩放因子，而不是每个权重张量一个。</translation>
    </message>
    <message>
        <source>One scale per output channel instead of one per weight tensor; needs opset 13.</source>
        <translation>每个输出通道一个缩放因子，而不是每个权重张量一个；需要 opset 13。</translation>
    </message>
    <message>
        <source>Open a model file</source>
        <translation>请打开模型文件</translation>
    </message>
    <message>
        <source>Open a model first and give this as its samples</source>
        <translation>请先打开模型，再把它作为样本给出</translation>
    </message>
    <message>
        <source>Open an .onnx file</source>
        <translation>请打开 .onnx 文件</translation>
    </message>
    <message>
        <source>Open one of {0}</source>
        <translation>请打开 {0} 之一</translation>
    </message>
    <message>
        <source>Open the .onnx file it belongs to</source>
        <translation>请打开它所属的 .onnx 文件</translation>
    </message>
    <message>
        <source>Open the .onnx file it was made from</source>
        <translation>请打开生成它的 .onnx 文件</translation>
    </message>
    <message>
        <source>Open the ONNX model it was built from</source>
        <translation>请打开构建它所用的 ONNX 模型</translation>
    </message>
    <message>
        <source>Open the ONNX model it was made from</source>
        <translation>请打开生成它的 ONNX 模型</translation>
    </message>
    <message>
        <source>Open {0} in it</source>
        <translation>请打开其中的 {0}</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>Other model files, "b.onnx; c.onnx"; empty takes the model before the first step (mode interpolate).</source>
        <translation>其他模型文件，如 "b.onnx; c.onnx"；留空则用第一步之前的模型（模式 interpolate）。</translation>
    </message>
    <message>
        <source>Paddle models are not read</source>
        <translation>不读取 Paddle 模型</translation>
    </message>
    <message>
        <source>Pairs</source>
        <translation>特征层对</translation>
    </message>
    <message>
        <source>Passes over the training rows; counts only while steps is 0.</source>
        <translation>遍历训练样本的次数；仅在 steps 为 0 时有效。</translation>
    </message>
    <message>
        <source>Paths are relative to the description</source>
        <translation>路径相对于描述文件</translation>
    </message>
    <message>
        <source>Patience</source>
        <translation>早停耐心</translation>
    </message>
    <message>
        <source>Per channel</source>
        <translation>逐通道</translation>
    </message>
    <message>
        <source>Perhaps {0} is meant</source>
        <translation>也许是指 {0}</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>Process {0} of {1}</source>
        <translation>第 {0} 个进程（共 {1} 个）</translation>
    </message>
    <message>
        <source>Processes</source>
        <translation>进程数</translation>
    </message>
    <message>
        <source>Processes that train together, one per GPU where there are GPUs.</source>
        <translation>共同训练的进程数；有 GPU 时每个 GPU 一个。</translation>
    </message>
    <message>
        <source>Put it beside the samples</source>
        <translation>请把它放在样本旁边</translation>
    </message>
    <message>
        <source>Put the data file beside the model</source>
        <translation>请把数据文件放在模型旁边</translation>
    </message>
    <message>
        <source>Put the integer 0 of weights at the value 0.0.</source>
        <translation>让权重的整数 0 对应数值 0.0。</translation>
    </message>
    <message>
        <source>Put the middle integer at the value 0.0, so that no zero points are stored.</source>
        <translation>让中间的整数对应数值 0.0，从而无需存储零点。</translation>
    </message>
    <message>
        <source>PyTorch exported program</source>
        <translation>PyTorch 导出程序</translation>
    </message>
    <message>
        <source>Quantization ranges of activations while weights train: "fixed", "follow" or "follow until 300".</source>
        <translation>训练权重时激活的量化范围："fixed"、"follow" 或 "follow until 300"。</translation>
    </message>
    <message>
        <source>Raise the limit or compress the model</source>
        <translation>请提高上限或压缩模型</translation>
    </message>
    <message>
        <source>Ranges</source>
        <translation>量化范围</translation>
    </message>
    <message>
        <source>Ranker</source>
        <translation>排序模型</translation>
    </message>
    <message>
        <source>Recurrent network</source>
        <translation>循环网络</translation>
    </message>
    <message>
        <source>Remove or replace it</source>
        <translation>请删除或替换它</translation>
    </message>
    <message>
        <source>Remove {0} from its metadata</source>
        <translation>请从其元数据中删除 {0}</translation>
    </message>
    <message>
        <source>Repair or remove it</source>
        <translation>请修复或删除它</translation>
    </message>
    <message>
        <source>Report it</source>
        <translation>请报告此问题</translation>
    </message>
    <message>
        <source>Report this as a fault of the last step</source>
        <translation>请将此作为最后一步的故障报告</translation>
    </message>
    <message>
        <source>Row {0} of {1} cannot be learned from</source>
        <translation>无法从 {1} 的第 {0} 行学习</translation>
    </message>
    <message>
        <source>Rows</source>
        <translation>行数</translation>
    </message>
    <message>
        <source>Rows cannot be compared with one another</source>
        <translation>各行之间无法相互比较</translation>
    </message>
    <message>
        <source>Rows per forward pass.</source>
        <translation>每次前向传播的行数。</translation>
    </message>
    <message>
        <source>Run 'git lfs pull'</source>
        <translation>请运行 'git lfs pull'</translation>
    </message>
    <message>
        <source>Run bench.py again and give its result.json</source>
        <translation>请重新运行 bench.py 并给出其 result.json</translation>
    </message>
    <message>
        <source>Running statistics of batch normalization were averaged too; taken anew from data they may do better</source>
        <translation>批归一化的滑动统计量也作了平均；用数据重新统计可能更好</translation>
    </message>
    <message>
        <source>Samples of kind {0} have no option {1}</source>
        <translation>{0} 类样本没有选项 {1}</translation>
    </message>
    <message>
        <source>Samples to train on: a folder, file or description; empty takes the calibration rows.</source>
        <translation>用于训练的样本：文件夹、文件或描述文件；留空则用校准样本。</translation>
    </message>
    <message>
        <source>Save it again</source>
        <translation>请重新保存</translation>
    </message>
    <message>
        <source>Save it again as CSV or Parquet</source>
        <translation>请重新保存为 CSV 或 Parquet</translation>
    </message>
    <message>
        <source>Save it again with numpy.save</source>
        <translation>请用 numpy.save 重新保存</translation>
    </message>
    <message>
        <source>Save it where it was made with torch.onnx.export(program).save('model.onnx')</source>
        <translation>请在生成它的环境中用 torch.onnx.export(program).save('model.onnx') 保存</translation>
    </message>
    <message>
        <source>Save it with numpy.save</source>
        <translation>请用 numpy.save 保存</translation>
    </message>
    <message>
        <source>Save plain numbers</source>
        <translation>请保存纯数值</translation>
    </message>
    <message>
        <source>Save the original module with torch.onnx.export(module, inputs, 'model.onnx') where it was made</source>
        <translation>请在生成它的环境中用 torch.onnx.export(module, inputs, 'model.onnx') 保存原始模块</translation>
    </message>
    <message>
        <source>Save the whole model with model.save('model.keras')</source>
        <translation>请用 model.save('model.keras') 保存完整模型</translation>
    </message>
    <message>
        <source>Save them again from a sweep</source>
        <translation>请从扫描结果中重新保存</translation>
    </message>
    <message>
        <source>Save them with numpy.savez</source>
        <translation>请用 numpy.savez 保存</translation>
    </message>
    <message>
        <source>Say which output to score and what the labels mean</source>
        <translation>请说明对哪个输出评分以及标签的含义</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>学习率调度</translation>
    </message>
    <message>
        <source>Set precision to bf16-mixed or auto</source>
        <translation>请将 precision 设为 bf16-mixed 或 auto</translation>
    </message>
    <message>
        <source>Set the weights of smallest magnitude to zero (the zipped file shrinks; the file itself and CPU latency do not).</source>
        <translation>把绝对值最小的权重置零（压缩包会变小；文件本身和 CPU 延迟不变）。</translation>
    </message>
    <message>
        <source>Sharding</source>
        <translation>权重分片</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>合并重复</translation>
    </message>
    <message>
        <source>Share by which weights shrink per update and learning rate.</source>
        <translation>权重每次更新按学习率缩小的比例。</translation>
    </message>
    <message>
        <source>Share of the L1 norm that may be removed (mode l1-share).</source>
        <translation>可去除的 L1 范数占比（模式 l1-share）。</translation>
    </message>
    <message>
        <source>Share of the average that each newer file leaves in place (mode ema).</source>
        <translation>每个较新文件加入后，原平均保留的占比（模式 ema）。</translation>
    </message>
    <message>
        <source>Share of the steps over which the learning rate rises from near zero.</source>
        <translation>学习率从接近零上升所占的步数比例。</translation>
    </message>
    <message>
        <source>Share of the teacher (mode interpolate).</source>
        <translation>教师的占比（模式 interpolate）。</translation>
    </message>
    <message>
        <source>Share of the training rows that is kept out of training to choose the best weights by.</source>
        <translation>不参与训练、用于选出最佳权重的训练样本占比。</translation>
    </message>
    <message>
        <source>Share of the weights that are zero afterwards (modes layer and global).</source>
        <translation>处理后为零的权重占比（模式 layer 和 global）。</translation>
    </message>
    <message>
        <source>Share of zeros that weights reach while they train: "constant 0.5", "polynomial 0.75" or "0: 0, 100: 0.5".</source>
        <translation>训练时权重达到的零值占比："constant 0.5"、"polynomial 0.75" 或 "0: 0, 100: 0.5"。</translation>
    </message>
    <message>
        <source>Size on disk</source>
        <translation>磁盘大小</translation>
    </message>
    <message>
        <source>Sparsity</source>
        <translation>稀疏度</translation>
    </message>
    <message>
        <source>Start another student from the weights of the teacher layers that match its own.</source>
        <translation>另选学生时，以教师中与其对应的层的权重作为初始值。</translation>
    </message>
    <message>
        <source>Step {0} of the recipe is not a method</source>
        <translation>配方的第 {0} 步不是方法</translation>
    </message>
    <message>
        <source>Step {0} of the recipe must name one method</source>
        <translation>配方的第 {0} 步必须指定一个方法</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>Stop after so many evaluations on held-out rows without a gain; 0 makes all the steps.</source>
        <translation>在留出样本上连续多少次评估没有改进就停止；0 表示走完所有步。</translation>
    </message>
    <message>
        <source>Store embedding tables as INT8 rows, each with its own scale.</source>
        <translation>把嵌入表存为 INT8 行，每行有自己的缩放因子。</translation>
    </message>
    <message>
        <source>Store float32 weights and compute in float16: half the size, faster on GPUs, not faster on CPUs.</source>
        <translation>把 float32 权重存为 float16 并以其计算：大小减半，GPU 上更快，CPU 上不会更快。</translation>
    </message>
    <message>
        <source>Student</source>
        <translation>学生模型</translation>
    </message>
    <message>
        <source>Symmetric</source>
        <translation>对称</translation>
    </message>
    <message>
        <source>Tables</source>
        <translation>嵌入表</translation>
    </message>
    <message>
        <source>Teacher</source>
        <translation>教师模型</translation>
    </message>
    <message>
        <source>Teacher and student cannot be compared</source>
        <translation>无法比较教师与学生</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>TensorFlow Lite is not read</source>
        <translation>不读取 TensorFlow Lite</translation>
    </message>
    <message>
        <source>TensorFlow graphs are not read</source>
        <translation>不读取 TensorFlow 计算图</translation>
    </message>
    <message>
        <source>TensorFlow is not read</source>
        <translation>不读取 TensorFlow</translation>
    </message>
    <message>
        <source>Text encoder</source>
        <translation>文本编码器</translation>
    </message>
    <message>
        <source>Text needs the tokenizer of the model</source>
        <translation>文本需要模型的分词器</translation>
    </message>
    <message>
        <source>The AUC is {0}, below chance: the labels may be the wrong way round.</source>
        <translation>AUC 为 {0}，低于随机水平：标签可能颠倒了。</translation>
    </message>
    <message>
        <source>The ONNX checker does not accept {0} itself: {1}</source>
        <translation>ONNX 检查器不接受 {0} 本身：{1}</translation>
    </message>
    <message>
        <source>The Spearman correlation of the original is {0}, no better than chance.</source>
        <translation>原始模型的 Spearman 相关系数为 {0}，不优于随机水平。</translation>
    </message>
    <message>
        <source>The array for input {0} holds uint8 and the input takes floats: if these are pixels, scale them first.</source>
        <translation>输入 {0} 的数组是 uint8，而输入要求浮点：如果是像素，请先缩放。</translation>
    </message>
    <message>
        <source>The arrays of {0} do not have the same number of rows</source>
        <translation>{0} 中各数组的行数不同</translation>
    </message>
    <message>
        <source>The bundle {0} cannot be written</source>
        <translation>无法写入评测包 {0}</translation>
    </message>
    <message>
        <source>The calibration share must be between 0 and 1, not {0}</source>
        <translation>校准占比必须在 0 到 1 之间，而不是 {0}</translation>
    </message>
    <message>
        <source>The columns do not fit input {0}</source>
        <translation>各列与输入 {0} 不符</translation>
    </message>
    <message>
        <source>The device {0} cannot be used</source>
        <translation>无法使用设备 {0}</translation>
    </message>
    <message>
        <source>The frame length does not fit the model</source>
        <translation>帧长与模型不符</translation>
    </message>
    <message>
        <source>The given NumPy array is not writable</source>
        <translation>给出的 NumPy 数组不可写</translation>
    </message>
    <message>
        <source>The graph of {0} cannot be read</source>
        <translation>无法读取 {0} 的计算图</translation>
    </message>
    <message>
        <source>The input {0} has no shape</source>
        <translation>输入 {0} 没有形状</translation>
    </message>
    <message>
        <source>The input {0} has type {1}, which cannot be fed</source>
        <translation>输入 {0} 的类型为 {1}，无法提供数据</translation>
    </message>
    <message>
        <source>The input {0} is not of the form name:dtype:shape</source>
        <translation>输入 {0} 不是 name:dtype:shape 形式</translation>
    </message>
    <message>
        <source>The labels are texts</source>
        <translation>标签是文本</translation>
    </message>
    <message>
        <source>The labels do not match the model</source>
        <translation>标签与模型不匹配</translation>
    </message>
    <message>
        <source>The labels file {0} cannot be read</source>
        <translation>无法读取标签文件 {0}</translation>
    </message>
    <message>
        <source>The labels of {0} do not match the frames</source>
        <translation>{0} 的标签与各帧不匹配</translation>
    </message>
    <message>
        <source>The latency of {0} cannot be measured</source>
        <translation>无法测量 {0} 的延迟</translation>
    </message>
    <message>
        <source>The layer is not in the result: it was folded or merged into another.</source>
        <translation>该层不在结果中：它已折叠或合并到另一层。</translation>
    </message>
    <message>
        <source>The layers of step {0} ({1}) are not a list of selectors</source>
        <translation>第 {0} 步（{1}）的层不是选择器列表</translation>
    </message>
    <message>
        <source>The loss {0} does not fit {1} and the labels</source>
        <translation>损失 {0} 与 {1} 及标签不符</translation>
    </message>
    <message>
        <source>The loss {0} fits no output of {1}</source>
        <translation>损失 {0} 不适用于 {1} 的任何输出</translation>
    </message>
    <message>
        <source>The loss {0} is named twice</source>
        <translation>损失 {0} 重复出现</translation>
    </message>
    <message>
        <source>The loss {0} needs labels</source>
        <translation>损失 {0} 需要标签</translation>
    </message>
    <message>
        <source>The metric {0} cannot be loaded</source>
        <translation>无法加载指标 {0}</translation>
    </message>
    <message>
        <source>The metric {0} returned {1} numbers</source>
        <translation>指标 {0} 返回了 {1} 个数</translation>
    </message>
    <message>
        <source>The model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>The model cannot be profiled</source>
        <translation>无法对模型进行性能分析</translation>
    </message>
    <message>
        <source>The model failed while running</source>
        <translation>模型运行失败</translation>
    </message>
    <message>
        <source>The model has no input for audio</source>
        <translation>模型没有音频输入</translation>
    </message>
    <message>
        <source>The model has no input for images</source>
        <translation>模型没有图像输入</translation>
    </message>
    <message>
        <source>The model has no input {0}</source>
        <translation>模型没有输入 {0}</translation>
    </message>
    <message>
        <source>The model has no output {0}</source>
        <translation>模型没有输出 {0}</translation>
    </message>
    <message>
        <source>The model has no output {0} to score</source>
        <translation>模型没有可评分的输出 {0}</translation>
    </message>
    <message>
        <source>The model has the channels of {0} again, {1} instead of {2} bytes</source>
        <translation>模型恢复为 {0} 的通道，{1} 字节，此前为 {2}</translation>
    </message>
    <message>
        <source>The model takes no token ids</source>
        <translation>模型不接收词元编号</translation>
    </message>
    <message>
        <source>The models cannot be compared</source>
        <translation>无法比较这些模型</translation>
    </message>
    <message>
        <source>The node {0} (OptionalGetElement, opset {1}) cannot run</source>
        <translation>节点 {0}（OptionalGetElement，opset {1}）无法运行</translation>
    </message>
    <message>
        <source>The node {0} ({1}) cannot be computed in torch</source>
        <translation>节点 {0}（{1}）无法在 torch 中计算</translation>
    </message>
    <message>
        <source>The node {0} ({1}{2}, opset {3}) cannot be trained through</source>
        <translation>节点 {0}（{1}{2}，opset {3}）不支持训练</translation>
    </message>
    <message>
        <source>The numbers of the categories do not fit the model</source>
        <translation>类别编号与模型不符</translation>
    </message>
    <message>
        <source>The option 'state' must map inputs to outputs</source>
        <translation>选项 'state' 必须把输入映射到输出</translation>
    </message>
    <message>
        <source>The option {0} does not fit</source>
        <translation>选项 {0} 不合适</translation>
    </message>
    <message>
        <source>The option {0} must be a {1}, not {2}</source>
        <translation>选项 {0} 必须是 {1}，而不是 {2}</translation>
    </message>
    <message>
        <source>The outputs cannot be read as text</source>
        <translation>输出无法读作文本</translation>
    </message>
    <message>
        <source>The recipe has an unknown entry {0}</source>
        <translation>配方有未知条目 {0}</translation>
    </message>
    <message>
        <source>The recipe has no list of steps</source>
        <translation>配方没有步骤列表</translation>
    </message>
    <message>
        <source>The recipe has version {0}</source>
        <translation>配方版本为 {0}</translation>
    </message>
    <message>
        <source>The recipe is not valid YAML</source>
        <translation>配方不是有效的 YAML</translation>
    </message>
    <message>
        <source>The recipe {0} cannot be read</source>
        <translation>无法读取配方 {0}</translation>
    </message>
    <message>
        <source>The recipe {0} could not be written</source>
        <translation>无法写入配方 {0}</translation>
    </message>
    <message>
        <source>The recipe {0} is not a text file</source>
        <translation>配方 {0} 不是文本文件</translation>
    </message>
    <message>
        <source>The recordings have different sampling rates</source>
        <translation>各录音的采样率不同</translation>
    </message>
    <message>
        <source>The report of a variant cannot be read</source>
        <translation>无法读取某个变体的报告</translation>
    </message>
    <message>
        <source>The report of the variant cannot be read</source>
        <translation>无法读取该变体的报告</translation>
    </message>
    <message>
        <source>The report {0} cannot be read</source>
        <translation>无法读取报告 {0}</translation>
    </message>
    <message>
        <source>The report {0} cannot be written</source>
        <translation>无法写入报告 {0}</translation>
    </message>
    <message>
        <source>The report {0} could not be written</source>
        <translation>报告 {0} 未能写入</translation>
    </message>
    <message>
        <source>The result could not be kept</source>
        <translation>无法保留结果</translation>
    </message>
    <message>
        <source>The result does not hold this tensor as one of its own.</source>
        <translation>结果中没有独立的这个张量。</translation>
    </message>
    <message>
        <source>The samples do not fit input {0}</source>
        <translation>样本与输入 {0} 不符</translation>
    </message>
    <message>
        <source>The samples for input {0} are not numbers</source>
        <translation>输入 {0} 的样本不是数值</translation>
    </message>
    <message>
        <source>The samples have no values for input {0}</source>
        <translation>样本没有输入 {0} 的值</translation>
    </message>
    <message>
        <source>The schedule of sparsity ends at step {0}</source>
        <translation>稀疏度调度在第 {0} 步结束</translation>
    </message>
    <message>
        <source>The seed must be a whole number from 0 to {0}</source>
        <translation>种子必须是 0 到 {0} 之间的整数</translation>
    </message>
    <message>
        <source>The selector {0} is not a size</source>
        <translation>选择器 {0} 不是大小</translation>
    </message>
    <message>
        <source>The selector {0} matches no layer</source>
        <translation>选择器 {0} 不匹配任何层</translation>
    </message>
    <message>
        <source>The settings of step {0} ({1}) are not a list of 'setting: value' lines</source>
        <translation>第 {0} 步（{1}）的设置不是 'setting: value' 行的列表</translation>
    </message>
    <message>
        <source>The soup holds {0} of {1} models, chosen by {2}: {3}</source>
        <translation>模型汤包含 {1} 个模型中的 {0} 个，依据为{2}：{3}</translation>
    </message>
    <message>
        <source>The steps of a schedule of sparsity must grow</source>
        <translation>稀疏度调度的步数必须递增</translation>
    </message>
    <message>
        <source>The tensor {0} of type {1} cannot be trained through</source>
        <translation>类型为 {1} 的张量 {0} 不支持训练</translation>
    </message>
    <message>
        <source>The training step is not compiled: weights are divided among processes</source>
        <translation>训练步骤未编译：权重已在进程间分片</translation>
    </message>
    <message>
        <source>The weights cannot be averaged ({0}), so the file holds both models and averages their outputs: {1} instead of {2} bytes, and the time of both</source>
        <translation>权重无法平均（{0}），因此文件包含两个模型并平均其输出：{1} 字节，此前为 {2}，耗时为两者之和</translation>
    </message>
    <message>
        <source>The weights of {0} cannot be averaged</source>
        <translation>无法平均 {0} 的权重</translation>
    </message>
    <message>
        <source>The worker process ended before it answered</source>
        <translation>工作进程在应答前结束</translation>
    </message>
    <message>
        <source>The worker process failed with {0}</source>
        <translation>工作进程失败：{0}</translation>
    </message>
    <message>
        <source>The worker process ran out of memory</source>
        <translation>工作进程内存不足</translation>
    </message>
    <message>
        <source>The {0} must be a whole number of at least {1}, not {2}</source>
        <translation>{0} 必须是不小于 {1} 的整数，而不是 {2}</translation>
    </message>
    <message>
        <source>The {0} {1} does not exist</source>
        <translation>{0} {1} 不存在</translation>
    </message>
    <message>
        <source>There are too few rows to train on</source>
        <translation>可用于训练的行太少</translation>
    </message>
    <message>
        <source>There is no channel order {0}</source>
        <translation>没有通道顺序 {0}</translation>
    </message>
    <message>
        <source>There is no device {0}</source>
        <translation>没有设备 {0}</translation>
    </message>
    <message>
        <source>There is no kind of samples {0}</source>
        <translation>没有样本类型 {0}</translation>
    </message>
    <message>
        <source>There is no labels file {0}</source>
        <translation>没有标签文件 {0}</translation>
    </message>
    <message>
        <source>There is no loss named {0}</source>
        <translation>没有名为 {0} 的损失</translation>
    </message>
    <message>
        <source>There is no method named {0}</source>
        <translation>没有名为 {0} 的方法</translation>
    </message>
    <message>
        <source>There is no metric named {0}</source>
        <translation>没有名为 {0} 的指标</translation>
    </message>
    <message>
        <source>There is no padding {0}</source>
        <translation>没有填充方式 {0}</translation>
    </message>
    <message>
        <source>There is no task {0}</source>
        <translation>没有任务 {0}</translation>
    </message>
    <message>
        <source>There is nothing to compute {0} from</source>
        <translation>没有可用于计算 {0} 的数据</translation>
    </message>
    <message>
        <source>There is nothing to distill</source>
        <translation>没有可蒸馏的内容</translation>
    </message>
    <message>
        <source>There is nothing to write</source>
        <translation>没有可写入的内容</translation>
    </message>
    <message>
        <source>This is not a report of the studio</source>
        <translation>这不是本工作室的报告</translation>
    </message>
    <message>
        <source>This runtime has no provider {0}. It has {1}.</source>
        <translation>此运行时没有执行提供程序 {0}。它有 {1}。</translation>
    </message>
    <message>
        <source>This step calibrates on samples</source>
        <translation>此步骤用样本校准</translation>
    </message>
    <message>
        <source>Threshold</source>
        <translation>阈值</translation>
    </message>
    <message>
        <source>Time between checkpoints to go on from; 0 makes one only on cancel.</source>
        <translation>保存可续训检查点的时间间隔；0 表示仅在取消时保存。</translation>
    </message>
    <message>
        <source>Train the weights on labeled samples, to regain what an earlier step cost.</source>
        <translation>在带标签的样本上训练权重，挽回先前步骤的损失。</translation>
    </message>
    <message>
        <source>Train the weights to answer as a teacher does, which needs no labels: regains what an earlier step cost.</source>
        <translation>训练权重，使输出与教师一致，无需标签：挽回先前步骤造成的损失。</translation>
    </message>
    <message>
        <source>Training cannot go on from its checkpoint</source>
        <translation>训练无法从其检查点继续</translation>
    </message>
    <message>
        <source>Training failed with {0}</source>
        <translation>训练失败：{0}</translation>
    </message>
    <message>
        <source>Training in float16 needs a GPU</source>
        <translation>以 float16 训练需要 GPU</translation>
    </message>
    <message>
        <source>Transcriptions cannot be trained on</source>
        <translation>无法在转写文本上训练</translation>
    </message>
    <message>
        <source>Try it with the model's original file and another runtime version</source>
        <translation>请用模型的原始文件和其他版本的运行时重试</translation>
    </message>
    <message>
        <source>Type of activations: uint8 is fast on x86, int8 is what TensorRT wants.</source>
        <translation>激活的类型：uint8 在 x86 上快，int8 适用于 TensorRT。</translation>
    </message>
    <message>
        <source>Type to compute in; auto is float32 on a CPU and mixed bfloat16 on a GPU that has it.</source>
        <translation>计算所用的类型；auto 在 CPU 上为 float32，在支持的 GPU 上为混合 bfloat16。</translation>
    </message>
    <message>
        <source>Unpack it and open the model inside</source>
        <translation>请解压并打开其中的模型</translation>
    </message>
    <message>
        <source>Update ONNX Runtime or export with an older opset</source>
        <translation>请更新 ONNX Runtime，或用较旧的 opset 导出</translation>
    </message>
    <message>
        <source>Update ONNX Runtime, or export with standard operators</source>
        <translation>请更新 ONNX Runtime，或用标准算子导出</translation>
    </message>
    <message>
        <source>Update the studio</source>
        <translation>请更新本工作室</translation>
    </message>
    <message>
        <source>Updates of the weights; 0 makes as many as epochs say.</source>
        <translation>权重的更新次数；0 表示由 epochs 决定。</translation>
    </message>
    <message>
        <source>Use RGB or BGR</source>
        <translation>请使用 RGB 或 BGR</translation>
    </message>
    <message>
        <source>Use as many processes as there are GPUs</source>
        <translation>请使用与 GPU 数量相同的进程数</translation>
    </message>
    <message>
        <source>Use auto, cpu, cuda or cuda:N</source>
        <translation>请使用 auto、cpu、cuda 或 cuda:N</translation>
    </message>
    <message>
        <source>Use cpu</source>
        <translation>请使用 cpu</translation>
    </message>
    <message>
        <source>Use cpu or cuda</source>
        <translation>请使用 cpu 或 cuda</translation>
    </message>
    <message>
        <source>Use cpu, cuda or cuda:N</source>
        <translation>请使用 cpu、cuda 或 cuda:N</translation>
    </message>
    <message>
        <source>Use distill</source>
        <translation>请使用 distill</translation>
    </message>
    <message>
        <source>Use distill, which learns from a teacher instead</source>
        <translation>请改用向教师学习的 distill</translation>
    </message>
    <message>
        <source>Use fewer processes or a smaller batch</source>
        <translation>请减少进程数或批大小</translation>
    </message>
    <message>
        <source>Use longest or fixed</source>
        <translation>请使用 longest 或 fixed</translation>
    </message>
    <message>
        <source>Use one of {0}</source>
        <translation>请使用 {0} 之一</translation>
    </message>
    <message>
        <source>Values whose maps of where they are large to match: "auto", or pairs; the loss is called attention.</source>
        <translation>要匹配注意力图的内部值："auto" 或层对；该损失名为 attention。</translation>
    </message>
    <message>
        <source>Warmup</source>
        <translation>预热占比</translation>
    </message>
    <message>
        <source>Weight bits</source>
        <translation>权重位数</translation>
    </message>
    <message>
        <source>Weight decay</source>
        <translation>权重衰减</translation>
    </message>
    <message>
        <source>Weight symmetric</source>
        <translation>权重对称</translation>
    </message>
    <message>
        <source>Weights along the summed axis of a matrix that share a scale; 0 is one scale per output channel.</source>
        <translation>沿矩阵求和轴共用一个缩放因子的权重个数；0 表示每个输出通道一个。</translation>
    </message>
    <message>
        <source>Weights and activations as INT8 with ranges from samples: smaller and faster, mostly for convolutional networks.</source>
        <translation>权重和激活为 INT8，范围取自样本：更小更快，主要用于卷积网络。</translation>
    </message>
    <message>
        <source>Weights as INT8 and activations rounded on the fly: smaller and faster for transformers and dense layers, no samples.</source>
        <translation>权重为 INT8，激活在运行时取整：Transformer 和全连接层更小更快，无需样本。</translation>
    </message>
    <message>
        <source>Weights stored as INT8 or INT4 and computed with in float: a smaller file at almost no loss, not a faster model.</source>
        <translation>权重存为 INT8 或 INT4，以浮点计算：文件更小且几乎无损，但模型不会更快。</translation>
    </message>
    <message>
        <source>Weights that are zero stay zero, so that pruning is kept.</source>
        <translation>为零的权重保持为零，从而保留剪枝结果。</translation>
    </message>
    <message>
        <source>What decides which weights are small.</source>
        <translation>如何判定哪些权重算小。</translation>
    </message>
    <message>
        <source>What is minimized, such as "soft 1, features 0.5"; auto takes what fits the outputs.</source>
        <translation>最小化的目标，例如 "soft 1, features 0.5"；auto 按输出选择合适的损失。</translation>
    </message>
    <message>
        <source>What reaches the first normalization is not what the model saw in training (shifted by {0} standard deviations, {1} times the variance): check scale, mean and standard deviation of the images.</source>
        <translation>到达第一个归一化的数据与训练时不同（偏移 {0} 个标准差，方差为 {1} 倍）：请检查图像的缩放、均值和标准差。</translation>
    </message>
    <message>
        <source>With the teacher, a greedy soup, or a moving average.</source>
        <translation>与教师插值、贪心模型汤或滑动平均。</translation>
    </message>
    <message>
        <source>Write "constant 0.5", "polynomial 0.75" or "0: 0, 100: 0.5, 400: 0.75"</source>
        <translation>请写 "constant 0.5"、"polynomial 0.75" 或 "0: 0, 100: 0.5, 400: 0.75"</translation>
    </message>
    <message>
        <source>Write "fixed", "follow" or "follow until 300"</source>
        <translation>请写 "fixed"、"follow" 或 "follow until 300"</translation>
    </message>
    <message>
        <source>Write "teacher value =&gt; student value; ..."</source>
        <translation>请写 "教师值 =&gt; 学生值; ..."</translation>
    </message>
    <message>
        <source>Write '- method' or '- method: {...}'</source>
        <translation>请写 '- method' 或 '- method: {...}'</translation>
    </message>
    <message>
        <source>Write 'steps:' followed by '- method' lines</source>
        <translation>请写 'steps:'，其后为 '- method' 行</translation>
    </message>
    <message>
        <source>Write at least `path: FOLDER OR FILE`</source>
        <translation>请至少写 `path: FOLDER OR FILE`</translation>
    </message>
    <message>
        <source>Write columns name,label or name,frame,label or name,start,end</source>
        <translation>请写 name,label 或 name,frame,label 或 name,start,end 列</translation>
    </message>
    <message>
        <source>Write names and weights, such as "soft 1, truth 0.1"</source>
        <translation>请写名称和权重，例如 "soft 1, truth 0.1"</translation>
    </message>
    <message>
        <source>Write one line `file name,label` per image</source>
        <translation>请为每张图像写一行 `file name,label`</translation>
    </message>
    <message>
        <source>XML models are not read</source>
        <translation>不读取 XML 模型</translation>
    </message>
    <message>
        <source>`calibration` is not valid</source>
        <translation>`calibration` 无效</translation>
    </message>
    <message>
        <source>`inspect` lists the layers</source>
        <translation>`inspect` 会列出各层</translation>
    </message>
    <message>
        <source>`metrics` is not a list of names</source>
        <translation>`metrics` 不是名称列表</translation>
    </message>
    <message>
        <source>a Caffe model</source>
        <translation>Caffe 模型</translation>
    </message>
    <message>
        <source>a Core ML model</source>
        <translation>Core ML 模型</translation>
    </message>
    <message>
        <source>a Core ML package</source>
        <translation>Core ML 包</translation>
    </message>
    <message>
        <source>a GGUF file</source>
        <translation>GGUF 文件</translation>
    </message>
    <message>
        <source>a Keras archive with a pickle in it</source>
        <translation>含 pickle 的 Keras 归档</translation>
    </message>
    <message>
        <source>a NumPy archive</source>
        <translation>NumPy 归档</translation>
    </message>
    <message>
        <source>a NumPy array</source>
        <translation>NumPy 数组</translation>
    </message>
    <message>
        <source>a PDF document</source>
        <translation>PDF 文档</translation>
    </message>
    <message>
        <source>a Paddle model</source>
        <translation>Paddle 模型</translation>
    </message>
    <message>
        <source>a Paddle weight file</source>
        <translation>Paddle 权重文件</translation>
    </message>
    <message>
        <source>a Parquet table</source>
        <translation>Parquet 表</translation>
    </message>
    <message>
        <source>a Python pickle</source>
        <translation>Python pickle</translation>
    </message>
    <message>
        <source>a TensorFlow Lite model</source>
        <translation>TensorFlow Lite 模型</translation>
    </message>
    <message>
        <source>a TensorFlow graph</source>
        <translation>TensorFlow 计算图</translation>
    </message>
    <message>
        <source>a TensorRT engine</source>
        <translation>TensorRT 引擎</translation>
    </message>
    <message>
        <source>a ZIP archive</source>
        <translation>ZIP 归档</translation>
    </message>
    <message>
        <source>a compressed archive</source>
        <translation>压缩归档</translation>
    </message>
    <message>
        <source>a constant of it is {0}</source>
        <translation>它的一个常量{0}</translation>
    </message>
    <message>
        <source>a download that failed often leaves one</source>
        <translation>下载失败常会留下这样的文件</translation>
    </message>
    <message>
        <source>a file it had mapped became shorter (SIGBUS), or the disk is full</source>
        <translation>它映射的文件变短了（SIGBUS），或磁盘已满</translation>
    </message>
    <message>
        <source>a mask of {0} values fits no batch of {1}</source>
        <translation>{0} 个值的掩码与批大小 {1} 不符</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>数</translation>
    </message>
    <message>
        <source>a pickled PyTorch checkpoint</source>
        <translation>pickle 格式的 PyTorch 检查点</translation>
    </message>
    <message>
        <source>a pointer that Git LFS left</source>
        <translation>Git LFS 留下的指针</translation>
    </message>
    <message>
        <source>a program or library</source>
        <translation>程序或库</translation>
    </message>
    <message>
        <source>a row has the shape {0} and the input wants [{1}]</source>
        <translation>一行的形状为 {0}，而输入要求 [{1}]</translation>
    </message>
    <message>
        <source>a safetensors file</source>
        <translation>safetensors 文件</translation>
    </message>
    <message>
        <source>a tar archive</source>
        <translation>tar 归档</translation>
    </message>
    <message>
        <source>a text file</source>
        <translation>文本文件</translation>
    </message>
    <message>
        <source>a training checkpoint</source>
        <translation>训练检查点</translation>
    </message>
    <message>
        <source>a web page</source>
        <translation>网页</translation>
    </message>
    <message>
        <source>a weight file</source>
        <translation>权重文件</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>整数</translation>
    </message>
    <message>
        <source>activations</source>
        <translation>激活</translation>
    </message>
    <message>
        <source>adding scaled outputs needs opset 7 and the file has {0}</source>
        <translation>对缩放后的输出求和需要 opset 7，而文件是 {0}</translation>
    </message>
    <message>
        <source>all of its rows are</source>
        <translation>其全部样本都是</translation>
    </message>
    <message>
        <source>all steps were made</source>
        <translation>已完成所有步</translation>
    </message>
    <message>
        <source>an ONNX Runtime model (.ort)</source>
        <translation>ONNX Runtime 模型（.ort）</translation>
    </message>
    <message>
        <source>an OpenVINO or other XML file</source>
        <translation>OpenVINO 或其他 XML 文件</translation>
    </message>
    <message>
        <source>an image</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>are inputs of the model, which a caller may override</source>
        <translation>是模型的输入，调用方可能覆盖</translation>
    </message>
    <message>
        <source>are not stored in the model</source>
        <translation>未存储在模型中</translation>
    </message>
    <message>
        <source>as set</source>
        <translation>按设置</translation>
    </message>
    <message>
        <source>assistant {0} of {1}, {2}</source>
        <translation>第 {0} 个助教（共 {1} 个），{2}</translation>
    </message>
    <message>
        <source>assistants have other inner values: set pairs and attention to auto</source>
        <translation>助教的内部值不同：请把 pairs 和 attention 设为 auto</translation>
    </message>
    <message>
        <source>at every call</source>
        <translation>每次调用时</translation>
    </message>
    <message>
        <source>at least {0}</source>
        <translation>至少 {0}</translation>
    </message>
    <message>
        <source>at load</source>
        <translation>加载时</translation>
    </message>
    <message>
        <source>at most {0}</source>
        <translation>至多 {0}</translation>
    </message>
    <message>
        <source>attention at {0}</source>
        <translation>注意力 {0}</translation>
    </message>
    <message>
        <source>audio or an image</source>
        <translation>音频或图像</translation>
    </message>
    <message>
        <source>axis {0} is listed and there are {1}</source>
        <translation>列出了轴 {0}，而只有 {1} 个轴</translation>
    </message>
    <message>
        <source>axis {0} is {1} long, {2} in the wider one, and no indices are listed</source>
        <translation>轴 {0} 长 {1}，在较宽的模型中长 {2}，且没有列出索引</translation>
    </message>
    <message>
        <source>batch norm</source>
        <translation>批归一化</translation>
    </message>
    <message>
        <source>bench result</source>
        <translation>评测结果</translation>
    </message>
    <message>
        <source>between {0} and {1}</source>
        <translation>{0} 到 {1} 之间</translation>
    </message>
    <message>
        <source>blocks {0} of {1}</source>
        <translation>第 {0} 块（共 {1} 块）</translation>
    </message>
    <message>
        <source>both bring functions of the same names</source>
        <translation>两者带有同名函数</translation>
    </message>
    <message>
        <source>box coordinates need float32</source>
        <translation>框坐标需要 float32</translation>
    </message>
    <message>
        <source>calibration</source>
        <translation>校准</translation>
    </message>
    <message>
        <source>calibration max</source>
        <translation>校准上限</translation>
    </message>
    <message>
        <source>casts</source>
        <translation>类型转换</translation>
    </message>
    <message>
        <source>checking</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>claims more values than it holds</source>
        <translation>声称的值多于实际</translation>
    </message>
    <message>
        <source>class probabilities softened by the temperature (Kullback-Leibler divergence)</source>
        <translation>经温度软化的类别概率（KL 散度）</translation>
    </message>
    <message>
        <source>comparing</source>
        <translation>比较</translation>
    </message>
    <message>
        <source>comparing {0} rows with {1} evaluation rows</source>
        <translation>正在将 {0} 行与 {1} 行评估样本比较</translation>
    </message>
    <message>
        <source>computed once and stored</source>
        <translation>计算一次并存储</translation>
    </message>
    <message>
        <source>computes the same as {0}, whose result is used instead</source>
        <translation>与 {0} 的计算相同，改用其结果</translation>
    </message>
    <message>
        <source>converted from {0}</source>
        <translation>由 {0} 转换而来</translation>
    </message>
    <message>
        <source>coordinates need float32</source>
        <translation>坐标需要 float32</translation>
    </message>
    <message>
        <source>determinants leave the range of float16</source>
        <translation>行列式超出 float16 的范围</translation>
    </message>
    <message>
        <source>directions of output vectors</source>
        <translation>输出向量的方向</translation>
    </message>
    <message>
        <source>does not have one coordinate per value</source>
        <translation>不是每个值一个坐标</translation>
    </message>
    <message>
        <source>energy</source>
        <translation>能耗</translation>
    </message>
    <message>
        <source>estimate from </source>
        <translation>估计自 </translation>
    </message>
    <message>
        <source>evaluate</source>
        <translation>评估</translation>
    </message>
    <message>
        <source>every row is one vector</source>
        <translation>每一行都是一个向量</translation>
    </message>
    <message>
        <source>execution provider: cpu, cuda, coreml, xnnpack, ...</source>
        <translation>执行提供程序：cpu、cuda、coreml、xnnpack……</translation>
    </message>
    <message>
        <source>explicit padding folded in</source>
        <translation>已折叠显式填充</translation>
    </message>
    <message>
        <source>export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>exported models are ONNX files</source>
        <translation>导出的模型是 ONNX 文件</translation>
    </message>
    <message>
        <source>fidelity</source>
        <translation>保真度</translation>
    </message>
    <message>
        <source>file to write</source>
        <translation>要写入的文件</translation>
    </message>
    <message>
        <source>fine-tune needs labels</source>
        <translation>fine-tune 需要标签</translation>
    </message>
    <message>
        <source>float32 became float16: {0} bytes became {1}</source>
        <translation>float32 变为 float16：{0} 字节变为 {1}</translation>
    </message>
    <message>
        <source>frame {0} and context {1} for an input of {2}</source>
        <translation>帧 {0}、上下文 {1}，而输入为 {2}</translation>
    </message>
    <message>
        <source>function {0} calls itself</source>
        <translation>函数 {0} 调用自身</translation>
    </message>
    <message>
        <source>going on from step {0}</source>
        <translation>从第 {0} 步继续</translation>
    </message>
    <message>
        <source>hard swish in one operator</source>
        <translation>以一个算子表示 hard swish</translation>
    </message>
    <message>
        <source>hard swish in two operators</source>
        <translation>以两个算子表示 hard swish</translation>
    </message>
    <message>
        <source>has a negative dimension</source>
        <translation>有负的维度</translation>
    </message>
    <message>
        <source>has coordinates of another rank</source>
        <translation>坐标的秩不符</translation>
    </message>
    <message>
        <source>has coordinates outside its shape</source>
        <translation>有坐标超出形状</translation>
    </message>
    <message>
        <source>held-out loss</source>
        <translation>留出损失</translation>
    </message>
    <message>
        <source>held-out {0}</source>
        <translation>留出 {0}</translation>
    </message>
    <message>
        <source>image has</source>
        <translation>张图像</translation>
    </message>
    <message>
        <source>images have</source>
        <translation>张图像</translation>
    </message>
    <message>
        <source>initialize</source>
        <translation>初始化</translation>
    </message>
    <message>
        <source>initialize has no meaning without a student</source>
        <translation>没有 student 时 initialize 没有意义</translation>
    </message>
    <message>
        <source>inner values of matched layers</source>
        <translation>配对层的内部值</translation>
    </message>
    <message>
        <source>it belongs to a quantized tensor</source>
        <translation>它属于已量化的张量</translation>
    </message>
    <message>
        <source>it belongs to another version or training</source>
        <translation>它属于其他版本或其他训练</translation>
    </message>
    <message>
        <source>it calls {0}, which is not one of PyTorch's standard operators</source>
        <translation>它调用 {0}，这不是 PyTorch 的标准算子</translation>
    </message>
    <message>
        <source>it crashed with code {0}</source>
        <translation>它崩溃了，代码 {0}</translation>
    </message>
    <message>
        <source>it does not fit</source>
        <translation>检查点不符</translation>
    </message>
    <message>
        <source>it does not follow a Conv, ConvTranspose or Gemm</source>
        <translation>它不在 Conv、ConvTranspose 或 Gemm 之后</translation>
    </message>
    <message>
        <source>it ended with exit code {0}</source>
        <translation>它以退出码 {0} 结束</translation>
    </message>
    <message>
        <source>it exists already</source>
        <translation>它已存在</translation>
    </message>
    <message>
        <source>it gathers along the axis of its blocks</source>
        <translation>它沿分块所在的轴取值</translation>
    </message>
    <message>
        <source>it gathers columns, and scales belong to rows</source>
        <translation>它按列取值，而缩放因子属于行</translation>
    </message>
    <message>
        <source>it has IR version {0} and the installed ONNX Runtime reads up to {1}</source>
        <translation>其 IR 版本为 {0}，而已安装的 ONNX Runtime 最多读取 {1}</translation>
    </message>
    <message>
        <source>it has no layer that corresponds to {0}</source>
        <translation>它没有与 {0} 对应的层</translation>
    </message>
    <message>
        <source>it has no output '{0}'</source>
        <translation>它没有输出 '{0}'</translation>
    </message>
    <message>
        <source>it has no weights</source>
        <translation>它没有权重</translation>
    </message>
    <message>
        <source>it has rotary positions or a shared cache, which only other processors have</source>
        <translation>它使用旋转位置编码或共享缓存，只有其他处理器支持</translation>
    </message>
    <message>
        <source>it has the most free memory</source>
        <translation>它的空闲内存最多</translation>
    </message>
    <message>
        <source>it has {0} axes and the wider one {1}</source>
        <translation>它有 {0} 个轴，而较宽的有 {1} 个</translation>
    </message>
    <message>
        <source>it has {0} learned tensors and {1} has {2}</source>
        <translation>它有 {0} 个可学习张量，而 {1} 有 {2} 个</translation>
    </message>
    <message>
        <source>it has {0} values per sample</source>
        <translation>每个样本有 {0} 个值</translation>
    </message>
    <message>
        <source>it holds Python objects, and reading those can run code</source>
        <translation>其中有 Python 对象，读取它们可能运行代码</translation>
    </message>
    <message>
        <source>it holds a subgraph, whose border keeps its types</source>
        <translation>它含有子图，子图边界保持其类型</translation>
    </message>
    <message>
        <source>it holds a value that is not a number</source>
        <translation>其中有不是数值的值</translation>
    </message>
    <message>
        <source>it holds an array without a graph</source>
        <translation>它只有数组，没有计算图</translation>
    </message>
    <message>
        <source>it holds arrays without a graph</source>
        <translation>它只有数组，没有计算图</translation>
    </message>
    <message>
        <source>it holds compiled code, which could do anything</source>
        <translation>它含有编译后的代码，可能做任何事</translation>
    </message>
    <message>
        <source>it holds no graph</source>
        <translation>它没有计算图</translation>
    </message>
    <message>
        <source>it holds something else than its name says</source>
        <translation>其内容与名称不符</translation>
    </message>
    <message>
        <source>it holds subgraphs or objects of its own classes, which are not checked</source>
        <translation>它含有子图或自有类的对象，无法检查</translation>
    </message>
    <message>
        <source>it holds weights without a graph</source>
        <translation>它只有权重，没有计算图</translation>
    </message>
    <message>
        <source>it holds {0} graphs</source>
        <translation>它含有 {0} 个计算图</translation>
    </message>
    <message>
        <source>it holds {0}, not numbers</source>
        <translation>它含有 {0}，不是数值</translation>
    </message>
    <message>
        <source>it is a folder</source>
        <translation>它是文件夹</translation>
    </message>
    <message>
        <source>it is already optimized for one runtime</source>
        <translation>它已为某个运行时优化</translation>
    </message>
    <message>
        <source>it is already quantized ({0})</source>
        <translation>它已量化（{0}）</translation>
    </message>
    <message>
        <source>it is as large as before</source>
        <translation>大小与之前相同</translation>
    </message>
    <message>
        <source>it is compiled for one machine and cannot be changed</source>
        <translation>它为某台机器编译，无法更改</translation>
    </message>
    <message>
        <source>it is cut off</source>
        <translation>它被截断</translation>
    </message>
    <message>
        <source>it is damaged</source>
        <translation>它已损坏</translation>
    </message>
    <message>
        <source>it is depthwise between float operators, where rounding its activations takes longer than INT8 saves</source>
        <translation>它是浮点算子之间的深度卷积，激活取整所花的时间多于 INT8 节省的时间</translation>
    </message>
    <message>
        <source>it is not JSON</source>
        <translation>它不是 JSON</translation>
    </message>
    <message>
        <source>it is not a model</source>
        <translation>它不是模型</translation>
    </message>
    <message>
        <source>it is not a model by itself</source>
        <translation>它本身不是模型</translation>
    </message>
    <message>
        <source>it is not a text file</source>
        <translation>它不是文本文件</translation>
    </message>
    <message>
        <source>it is not opened, because a Python pickle can run any program</source>
        <translation>不予打开，因为 Python pickle 可以运行任意程序</translation>
    </message>
    <message>
        <source>it is so small that scales would eat the gain</source>
        <translation>它太小，缩放因子会抵消收益</translation>
    </message>
    <message>
        <source>it is so small that what is added would eat the gain</source>
        <translation>它太小，所加内容会抵消收益</translation>
    </message>
    <message>
        <source>it is the model that was opened</source>
        <translation>它就是已打开的模型</translation>
    </message>
    <message>
        <source>it is {0}</source>
        <translation>它是 {0}</translation>
    </message>
    <message>
        <source>it keeps its type</source>
        <translation>它保持原类型</translation>
    </message>
    <message>
        <source>it makes text, which torch has no type for</source>
        <translation>它产生文本，而 torch 没有文本类型</translation>
    </message>
    <message>
        <source>it may hold weights only</source>
        <translation>它可能只含权重</translation>
    </message>
    <message>
        <source>it met an instruction this processor does not have (SIGILL)</source>
        <translation>它遇到此处理器没有的指令（SIGILL）</translation>
    </message>
    <message>
        <source>it names {0}</source>
        <translation>它指定了 {0}</translation>
    </message>
    <message>
        <source>it needs {0} bytes of free disk space</source>
        <translation>它需要 {0} 字节的空闲磁盘空间</translation>
    </message>
    <message>
        <source>it nests too deep</source>
        <translation>嵌套过深</translation>
    </message>
    <message>
        <source>it ranks by one score per row, and the output has {0}</source>
        <translation>它按每行一个分数排序，而输出有 {0} 个</translation>
    </message>
    <message>
        <source>it reads a stored value that is also an input of the model, which a caller may override</source>
        <translation>它读取的存储值同时是模型的输入，调用方可能覆盖</translation>
    </message>
    <message>
        <source>it runs in training mode</source>
        <translation>它以训练模式运行</translation>
    </message>
    <message>
        <source>it stands in a branch or loop body, which cannot be observed from outside</source>
        <translation>它位于分支或循环体内，无法从外部观察</translation>
    </message>
    <message>
        <source>it stands in a branch or loop body, whose activations cannot be observed from outside</source>
        <translation>它位于分支或循环体内，其激活无法从外部观察</translation>
    </message>
    <message>
        <source>it sums over more than {0} values</source>
        <translation>它对超过 {0} 个值求和</translation>
    </message>
    <message>
        <source>it takes {0}</source>
        <translation>它接收 {0}</translation>
    </message>
    <message>
        <source>it takes {0} and they are {1}</source>
        <translation>它接收 {0}，而它们是 {1}</translation>
    </message>
    <message>
        <source>it takes {0} and they have fractions</source>
        <translation>它接收 {0}，而它们有小数</translation>
    </message>
    <message>
        <source>it takes {0} values per row and they have {1}</source>
        <translation>它每行接收 {0} 个值，而它们有 {1} 个</translation>
    </message>
    <message>
        <source>it takes {0} x {1}</source>
        <translation>它接收 {0} x {1}</translation>
    </message>
    <message>
        <source>it unpacks to {0} bytes</source>
        <translation>解压后为 {0} 字节</translation>
    </message>
    <message>
        <source>it uses opset {0} and the installed ONNX Runtime knows opsets up to {1}</source>
        <translation>它使用 opset {0}，而已安装的 ONNX Runtime 最高支持 opset {1}</translation>
    </message>
    <message>
        <source>it uses opset {0}{1} and the installed ONNX Runtime knows opsets up to {2}</source>
        <translation>它使用 opset {0}{1}，而已安装的 ONNX Runtime 最高支持 opset {2}</translation>
    </message>
    <message>
        <source>it was asked for</source>
        <translation>已指定它</translation>
    </message>
    <message>
        <source>it was asked to finish</source>
        <translation>已要求结束</translation>
    </message>
    <message>
        <source>it was ended by {0}</source>
        <translation>它被 {0} 结束</translation>
    </message>
    <message>
        <source>it was saved by a torch older than 2.9, which pickled the weights, and a Python pickle can run any program</source>
        <translation>它由早于 2.9 的 torch 保存，权重为 pickle 格式，而 Python pickle 可以运行任意程序</translation>
    </message>
    <message>
        <source>its activation {0} is not known to the twin</source>
        <translation>孪生模型不支持其激活函数 {0}</translation>
    </message>
    <message>
        <source>its attribute {0} is not known to the twin</source>
        <translation>孪生模型不支持其属性 {0}</translation>
    </message>
    <message>
        <source>its axes are {0}</source>
        <translation>它的轴为 {0}</translation>
    </message>
    <message>
        <source>its bias is computed while the model runs</source>
        <translation>它的偏置在模型运行时计算</translation>
    </message>
    <message>
        <source>its bias is not one value per output</source>
        <translation>它的偏置不是每个输出一个值</translation>
    </message>
    <message>
        <source>its cache is shared between steps of a search</source>
        <translation>它的缓存在搜索的各步之间共享</translation>
    </message>
    <message>
        <source>its code is larger than {0} bytes</source>
        <translation>它的代码超过 {0} 字节</translation>
    </message>
    <message>
        <source>its code uses {0}, which reaches outside the model</source>
        <translation>它的代码使用 {0}，会触及模型之外</translation>
    </message>
    <message>
        <source>its columns are in another order or packed for one kind of processor</source>
        <translation>它的列为其他顺序，或为某种处理器打包</translation>
    </message>
    <message>
        <source>its content is not an image</source>
        <translation>其内容不是图像</translation>
    </message>
    <message>
        <source>its data file {0} is missing</source>
        <translation>缺少其数据文件 {0}</translation>
    </message>
    <message>
        <source>its data file {0} is not a regular file</source>
        <translation>其数据文件 {0} 不是普通文件</translation>
    </message>
    <message>
        <source>its data file {0} lies outside its folder</source>
        <translation>其数据文件 {0} 位于其文件夹之外</translation>
    </message>
    <message>
        <source>its factor alpha is negative</source>
        <translation>它的系数 alpha 为负</translation>
    </message>
    <message>
        <source>its first output is not used</source>
        <translation>它的第一个输出未被使用</translation>
    </message>
    <message>
        <source>its form of before opset 9 is not one that can be folded</source>
        <translation>它的形式早于 opset 9，无法折叠</translation>
    </message>
    <message>
        <source>its functions unfold to more than {0} nodes</source>
        <translation>其函数展开后超过 {0} 个节点</translation>
    </message>
    <message>
        <source>its graph has no outputs</source>
        <translation>其计算图没有输出</translation>
    </message>
    <message>
        <source>its input holds no value</source>
        <translation>它的输入没有值</translation>
    </message>
    <message>
        <source>its input is a constant</source>
        <translation>它的输入是常量</translation>
    </message>
    <message>
        <source>its input is transposed</source>
        <translation>它的输入已转置</translation>
    </message>
    <message>
        <source>its input {0} is of type {1} and not a tensor</source>
        <translation>其输入 {0} 的类型为 {1}，不是张量</translation>
    </message>
    <message>
        <source>its input {0} {1} in calibration</source>
        <translation>其输入 {0} 在校准中{1}</translation>
    </message>
    <message>
        <source>its inputs do not fit</source>
        <translation>其输入不符</translation>
    </message>
    <message>
        <source>its inputs or attributes are not those of the operator, {0}</source>
        <translation>其输入或属性与算子不符，{0}</translation>
    </message>
    <message>
        <source>its inputs or outputs are kept in {0}, which is not a tuple, list or dict</source>
        <translation>其输入或输出保存在 {0} 中，它不是 tuple、list 或 dict</translation>
    </message>
    <message>
        <source>its integer weights are not read by DequantizeLinear on a constant grid: prune first, quantize afterwards</source>
        <translation>其整数权重不是由 DequantizeLinear 按固定网格读取：请先剪枝，再量化</translation>
    </message>
    <message>
        <source>its layer {0} is Python code, which could run any program</source>
        <translation>其层 {0} 是 Python 代码，可能运行任意程序</translation>
    </message>
    <message>
        <source>its layers have other names in the file</source>
        <translation>其各层在文件中名称不同</translation>
    </message>
    <message>
        <source>its list of kept channels does not fit {0}: {1}</source>
        <translation>其保留通道的列表与 {0} 不符：{1}</translation>
    </message>
    <message>
        <source>its mode {0} is not one of constant, reflect, edge, wrap</source>
        <translation>其模式 {0} 不是 constant、reflect、edge、wrap 之一</translation>
    </message>
    <message>
        <source>its name {0} is not an identifier</source>
        <translation>其名称 {0} 不是标识符</translation>
    </message>
    <message>
        <source>its operators come from the domain {0}, for which it declares no version</source>
        <translation>其算子来自域 {0}，但未声明版本</translation>
    </message>
    <message>
        <source>its output '{0}' has shape {1} where the original's has {2}</source>
        <translation>其输出 '{0}' 的形状为 {1}，而原始模型为 {2}</translation>
    </message>
    <message>
        <source>its output '{0}' holds NaN or infinity</source>
        <translation>其输出 '{0}' 含有 NaN 或无穷大</translation>
    </message>
    <message>
        <source>its output is {0}</source>
        <translation>它的输出是 {0}</translation>
    </message>
    <message>
        <source>its output {0} {1} in calibration</source>
        <translation>其输出 {0} 在校准中{1}</translation>
    </message>
    <message>
        <source>its outputs differ from the model's by {0}</source>
        <translation>其输出与模型的相差 {0}</translation>
    </message>
    <message>
        <source>its outputs differ from the original's as much as zeros would (output error {0})</source>
        <translation>其输出与原始模型的差异如同全零（输出误差 {0}）</translation>
    </message>
    <message>
        <source>its result takes more space than what it is computed from</source>
        <translation>其结果比计算它的数据占用更多空间</translation>
    </message>
    <message>
        <source>its sequences are packed or its angles scaled</source>
        <translation>它的序列经过打包，或其角度经过缩放</translation>
    </message>
    <message>
        <source>its shape expression {0} is more than arithmetic</source>
        <translation>其形状表达式 {0} 不只是算术</translation>
    </message>
    <message>
        <source>its softmax has a sink</source>
        <translation>它的 softmax 带有 sink</translation>
    </message>
    <message>
        <source>its statistics {0}</source>
        <translation>其统计量{0}</translation>
    </message>
    <message>
        <source>its steps would be inexact in float16</source>
        <translation>其步长在 float16 中不精确</translation>
    </message>
    <message>
        <source>its table is so small that scales would eat the gain</source>
        <translation>其表太小，缩放因子会抵消收益</translation>
    </message>
    <message>
        <source>its tokens are text, which torch has no type for</source>
        <translation>它的词元是文本，而 torch 没有文本类型</translation>
    </message>
    <message>
        <source>its weight is a vector</source>
        <translation>它的权重是向量</translation>
    </message>
    <message>
        <source>its weight is made by {0} while the model runs</source>
        <translation>其权重在模型运行时由 {0} 产生</translation>
    </message>
    <message>
        <source>its weight is one repeated value, which takes no room</source>
        <translation>其权重是同一个重复的值，不占空间</translation>
    </message>
    <message>
        <source>its weight is shared with {0}, which keeps the float copy</source>
        <translation>其权重与 {0} 共享，后者保留浮点副本</translation>
    </message>
    <message>
        <source>its weights are also read in float32</source>
        <translation>其权重也以 float32 读取</translation>
    </message>
    <message>
        <source>its weights are an output of the model</source>
        <translation>其权重是模型的输出</translation>
    </message>
    <message>
        <source>its weights are computed while the model runs or are a bias</source>
        <translation>其权重在模型运行时计算，或是偏置</translation>
    </message>
    <message>
        <source>its weights are float16 already</source>
        <translation>其权重已是 float16</translation>
    </message>
    <message>
        <source>its weights are one value repeated, which takes no space in the file</source>
        <translation>其权重是同一个重复的值，在文件中不占空间</translation>
    </message>
    <message>
        <source>its weights are shared with {0}, which is not selected</source>
        <translation>其权重与 {0} 共享，而后者未被选择</translation>
    </message>
    <message>
        <source>its weights are stored as {0}</source>
        <translation>其权重存为 {0}</translation>
    </message>
    <message>
        <source>its weights are {0}</source>
        <translation>其权重{0}</translation>
    </message>
    <message>
        <source>its weights are {0} and this step works on float32</source>
        <translation>其权重为 {0}，而此步骤处理 float32</translation>
    </message>
    <message>
        <source>its weights are {0}, not float32</source>
        <translation>其权重为 {0}，不是 float32</translation>
    </message>
    <message>
        <source>its weights are {0}, which float16 would not make smaller</source>
        <translation>其权重为 {0}，float16 不会使其变小</translation>
    </message>
    <message>
        <source>its weights came out as they were</source>
        <translation>其权重没有变化</translation>
    </message>
    <message>
        <source>its weights reach {0}</source>
        <translation>其权重达到 {0}</translation>
    </message>
    <message>
        <source>its {0} is of a type that torch does not have</source>
        <translation>其 {0} 的类型是 torch 所没有的</translation>
    </message>
    <message>
        <source>its {0} {1} is not one of {2}</source>
        <translation>其 {0} {1} 不在 {2} 之中</translation>
    </message>
    <message>
        <source>keep</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>label {0} occurs and output {1} has {2} classes</source>
        <translation>出现标签 {0}，而输出 {1} 有 {2} 个类别</translation>
    </message>
    <message>
        <source>label {0} occurs, and the output has {1} classes</source>
        <translation>出现了标签 {0}，而输出只有 {1} 个类别</translation>
    </message>
    <message>
        <source>labels one higher</source>
        <translation>标签加一</translation>
    </message>
    <message>
        <source>labels one lower</source>
        <translation>标签减一</translation>
    </message>
    <message>
        <source>latency</source>
        <translation>延迟</translation>
    </message>
    <message>
        <source>layer norm in one operator</source>
        <translation>以一个算子表示层归一化</translation>
    </message>
    <message>
        <source>learned from {0} made-up inputs: give real samples before this model is used</source>
        <translation>从 {0} 个虚构的输入学习：使用此模型前请给出真实样本</translation>
    </message>
    <message>
        <source>learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <source>learning rate: test {0} of {1}</source>
        <translation>学习率：第 {0} 次测试，共 {1} 次</translation>
    </message>
    <message>
        <source>line {0}</source>
        <translation>第 {0} 行</translation>
    </message>
    <message>
        <source>line {0} is not JSON</source>
        <translation>第 {0} 行不是 JSON</translation>
    </message>
    <message>
        <source>list of names</source>
        <translation>名称列表</translation>
    </message>
    <message>
        <source>load time</source>
        <translation>加载时间</translation>
    </message>
    <message>
        <source>loading</source>
        <translation>加载</translation>
    </message>
    <message>
        <source>loss on {0} held-out rows {1} to {2}</source>
        <translation>{0} 行留出样本上的损失从 {1} 变为 {2}</translation>
    </message>
    <message>
        <source>losses name inner values alone, which do not teach what to return: {0} was added</source>
        <translation>losses 只含内部值的损失，它们不教模型应返回什么：已添加 {0}</translation>
    </message>
    <message>
        <source>maps of where matched layers look</source>
        <translation>配对层的注意力图</translation>
    </message>
    <message>
        <source>mean of {0} models</source>
        <translation>{0} 个模型的平均</translation>
    </message>
    <message>
        <source>measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>measured in turns with each</source>
        <translation>与各模型轮流测量</translation>
    </message>
    <message>
        <source>median {median_ms:.3f} ms  p95 {p95_ms:.3f}  p99 {p99_ms:.3f}  {calls} calls</source>
        <translation>中位数 {median_ms:.3f} ms  p95 {p95_ms:.3f}  p99 {p99_ms:.3f}  {calls} 次调用</translation>
    </message>
    <message>
        <source>memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>merged into {0}</source>
        <translation>已合并到 {0}</translation>
    </message>
    <message>
        <source>metrics</source>
        <translation>指标</translation>
    </message>
    <message>
        <source>minutes cannot be divided among assistants: set epochs or steps</source>
        <translation>minutes 无法在助教间分配：请设置 epochs 或 steps</translation>
    </message>
    <message>
        <source>mode interpolate takes one other model</source>
        <translation>模式 interpolate 只接受一个其他模型</translation>
    </message>
    <message>
        <source>mode {0} needs the files of other models</source>
        <translation>模式 {0} 需要其他模型的文件</translation>
    </message>
    <message>
        <source>most likely because memory ran out</source>
        <translation>很可能是内存不足</translation>
    </message>
    <message>
        <source>moving average over {0} models</source>
        <translation>{0} 个模型的滑动平均</translation>
    </message>
    <message>
        <source>must be one of {0}, not {1}</source>
        <translation>必须是 {0} 之一，而不是 {1}</translation>
    </message>
    <message>
        <source>must be {0}, not {1}</source>
        <translation>必须是 {0}，而不是 {1}</translation>
    </message>
    <message>
        <source>native code crashed ({0})</source>
        <translation>原生代码崩溃（{0}）</translation>
    </message>
    <message>
        <source>neither a TorchScript archive nor an ONNX model</source>
        <translation>既不是 TorchScript 归档，也不是 ONNX 模型</translation>
    </message>
    <message>
        <source>no NVIDIA GPU was found</source>
        <translation>未找到 NVIDIA GPU</translation>
    </message>
    <message>
        <source>no checkpoint could be written: {0}</source>
        <translation>无法写入检查点：{0}</translation>
    </message>
    <message>
        <source>no difference (±{0} %)</source>
        <translation>无差异（±{0} %）</translation>
    </message>
    <message>
        <source>no gain on disk: {0}; zipped it is {1}x smaller</source>
        <translation>磁盘上没有收益：{0}；压缩后小 {1} 倍</translation>
    </message>
    <message>
        <source>no gain: nothing was changed</source>
        <translation>没有收益：什么都没有改变</translation>
    </message>
    <message>
        <source>no gain: {0}</source>
        <translation>没有收益：{0}</translation>
    </message>
    <message>
        <source>no group has a relevant row</source>
        <translation>没有一组含有相关的行</translation>
    </message>
    <message>
        <source>no inner values of one kind and size were found</source>
        <translation>没有找到种类和大小相同的内部值</translation>
    </message>
    <message>
        <source>no inner values of the two models fit together: pick them by hand</source>
        <translation>两个模型没有可配对的内部值：请手动选择</translation>
    </message>
    <message>
        <source>no output is a float</source>
        <translation>没有浮点输出</translation>
    </message>
    <message>
        <source>no output of {0} is a float</source>
        <translation>{0} 没有浮点输出</translation>
    </message>
    <message>
        <source>no runtime</source>
        <translation>没有运行时</translation>
    </message>
    <message>
        <source>no steps</source>
        <translation>没有步骤</translation>
    </message>
    <message>
        <source>no variant is compared</source>
        <translation>没有正在比较的变体</translation>
    </message>
    <message>
        <source>no weight to remove: {0} of {1} are zero already</source>
        <translation>没有可去除的权重：{1} 个中已有 {0} 个为零</translation>
    </message>
    <message>
        <source>node {0} is part of a cycle</source>
        <translation>节点 {0} 属于一个环</translation>
    </message>
    <message>
        <source>node {0} reads {1}, which nothing in it makes</source>
        <translation>节点 {0} 读取 {1}，但没有任何部分产生它</translation>
    </message>
    <message>
        <source>nodes were not in topological order and have been sorted</source>
        <translation>节点不是拓扑顺序，已排序</translation>
    </message>
    <message>
        <source>none of its weights can be trained: {0}</source>
        <translation>它的权重都不能训练：{0}</translation>
    </message>
    <message>
        <source>none of them holds {0}</source>
        <translation>它们都不输出 {0}</translation>
    </message>
    <message>
        <source>none were given</source>
        <translation>一个也没有给出</translation>
    </message>
    <message>
        <source>not a complete PyTorch checkpoint</source>
        <translation>不是完整的 PyTorch 检查点</translation>
    </message>
    <message>
        <source>not compared: {0}</source>
        <translation>未比较：{0}</translation>
    </message>
    <message>
        <source>not numbers</source>
        <translation>不是数值</translation>
    </message>
    <message>
        <source>nothing makes its output {0}</source>
        <translation>没有任何部分产生其输出 {0}</translation>
    </message>
    <message>
        <source>number or list of numbers</source>
        <translation>数或数的列表</translation>
    </message>
    <message>
        <source>one scale per block</source>
        <translation>每块一个缩放因子</translation>
    </message>
    <message>
        <source>one scale per channel needs opset 13 and the file has {0}; set per-channel to false</source>
        <translation>逐通道缩放因子需要 opset 13，而文件是 {0}；请把 per-channel 设为 false</translation>
    </message>
    <message>
        <source>one score per row</source>
        <translation>每行一个分数</translation>
    </message>
    <message>
        <source>only one of them is an attention map</source>
        <translation>其中只有一个是注意力图</translation>
    </message>
    <message>
        <source>open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>opset {0} became {1}</source>
        <translation>opset {0} 变为 {1}</translation>
    </message>
    <message>
        <source>output values (squared error over the teacher's variance)</source>
        <translation>输出值（平方误差除以教师的方差）</translation>
    </message>
    <message>
        <source>output values (squared error, linear for outliers)</source>
        <translation>输出值（平方误差，离群值为线性）</translation>
    </message>
    <message>
        <source>output {0} has the shapes {1}</source>
        <translation>输出 {0} 的形状为 {1}</translation>
    </message>
    <message>
        <source>outputs before softmax or sigmoid (squared error)</source>
        <translation>softmax 或 sigmoid 之前的输出（平方误差）</translation>
    </message>
    <message>
        <source>pass {0} of {1}</source>
        <translation>第 {0} 轮，共 {1} 轮</translation>
    </message>
    <message>
        <source>per channel</source>
        <translation>逐通道</translation>
    </message>
    <message>
        <source>per tensor</source>
        <translation>逐张量</translation>
    </message>
    <message>
        <source>per-channel weights must be symmetric, because integer kernels take one zero point; set per-channel to false</source>
        <translation>逐通道权重必须对称，因为整数内核只接受一个零点；请把 per-channel 设为 false</translation>
    </message>
    <message>
        <source>probabilities of independent labels</source>
        <translation>独立标签的概率</translation>
    </message>
    <message>
        <source>probabilities of independent labels (binary cross entropy)</source>
        <translation>独立标签的概率（二元交叉熵）</translation>
    </message>
    <message>
        <source>profile</source>
        <translation>性能分析</translation>
    </message>
    <message>
        <source>put back into the channels it came from</source>
        <translation>已放回其原来的通道</translation>
    </message>
    <message>
        <source>putting it in place</source>
        <translation>放置到位</translation>
    </message>
    <message>
        <source>random inputs</source>
        <translation>随机输入</translation>
    </message>
    <message>
        <source>random operators keep their type</source>
        <translation>随机算子保持原类型</translation>
    </message>
    <message>
        <source>range test</source>
        <translation>范围测试</translation>
    </message>
    <message>
        <source>ranges</source>
        <translation>范围</translation>
    </message>
    <message>
        <source>ranges come from random inputs: give real samples before this model is used</source>
        <translation>范围来自随机输入：使用此模型前请给出真实样本</translation>
    </message>
    <message>
        <source>ranges come from {0} rows only: values beyond them are clipped; {1} or more are usual</source>
        <translation>范围仅来自 {0} 行：超出的值会被截断；通常需要 {1} 行或更多</translation>
    </message>
    <message>
        <source>relevance {0} occurs, and none may be negative</source>
        <translation>出现了相关度 {0}，而相关度不得为负</translation>
    </message>
    <message>
        <source>removed: nothing used its result</source>
        <translation>已删除：没有部分使用其结果</translation>
    </message>
    <message>
        <source>replaced by the branch that is always taken</source>
        <translation>已替换为总会执行的分支</translation>
    </message>
    <message>
        <source>round {0}</source>
        <translation>第 {0} 轮</translation>
    </message>
    <message>
        <source>rounding its activations at every step adds up; weight-only keeps recurrent layers precise</source>
        <translation>每一步对激活取整会累积误差；weight-only 可保持循环层的精度</translation>
    </message>
    <message>
        <source>row scales</source>
        <translation>行缩放因子</translation>
    </message>
    <message>
        <source>samples</source>
        <translation>样本</translation>
    </message>
    <message>
        <source>serving options</source>
        <translation>服务选项</translation>
    </message>
    <message>
        <source>sharding does not go together with 16-mixed: use bf16-mixed or float32</source>
        <translation>sharding 不能与 16-mixed 同用：请使用 bf16-mixed 或 float32</translation>
    </message>
    <message>
        <source>sharding needs more than one process</source>
        <translation>sharding 需要多个进程</translation>
    </message>
    <message>
        <source>shares the weights pruned in {0}</source>
        <translation>与 {0} 共享已剪枝的权重</translation>
    </message>
    <message>
        <source>signal {0}</source>
        <translation>信号 {0}</translation>
    </message>
    <message>
        <source>size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>some must be kept out to choose the best weights by</source>
        <translation>须留出一部分以选出最佳权重</translation>
    </message>
    <message>
        <source>sparse tensor {0} {1}</source>
        <translation>稀疏张量 {0} {1}</translation>
    </message>
    <message>
        <source>sparsity has no meaning while keep-zeros is false</source>
        <translation>keep-zeros 为 false 时 sparsity 没有意义</translation>
    </message>
    <message>
        <source>squares leave the range of float16</source>
        <translation>平方超出 float16 的范围</translation>
    </message>
    <message>
        <source>step {0} of {1}</source>
        <translation>第 {0} 步，共 {1} 步</translation>
    </message>
    <message>
        <source>step {0} of {1}, loss {2}</source>
        <translation>第 {0} 步，共 {1} 步，损失 {2}</translation>
    </message>
    <message>
        <source>step {0} of {1}, loss {2}, {3} left</source>
        <translation>第 {0} 步，共 {1} 步，损失 {2}，剩余 {3}</translation>
    </message>
    <message>
        <source>structure</source>
        <translation>结构</translation>
    </message>
    <message>
        <source>student</source>
        <translation>学生</translation>
    </message>
    <message>
        <source>tables is set to false</source>
        <translation>tables 设为 false</translation>
    </message>
    <message>
        <source>teacher: {0} of {1} rows</source>
        <translation>教师：{1} 行中的 {0} 行</translation>
    </message>
    <message>
        <source>tensor {0} claims shape {1} but holds other data</source>
        <translation>张量 {0} 声称形状为 {1}，但数据不符</translation>
    </message>
    <message>
        <source>tensor {0} ends at byte {1} but {2} has {3}</source>
        <translation>张量 {0} 结束于第 {1} 字节，而 {2} 只有 {3} 字节</translation>
    </message>
    <message>
        <source>tensor {0} has a negative dimension</source>
        <translation>张量 {0} 有负的维度</translation>
    </message>
    <message>
        <source>tensor {0} has a negative offset or length</source>
        <translation>张量 {0} 的偏移或长度为负</translation>
    </message>
    <message>
        <source>tensor {0} holds text outside the model file, which ONNX does not allow</source>
        <translation>张量 {0} 的文本在模型文件之外，ONNX 不允许</translation>
    </message>
    <message>
        <source>tensor {0} of shape {1} is absurdly large</source>
        <translation>形状为 {1} 的张量 {0} 大得离谱</translation>
    </message>
    <message>
        <source>tensor {0} of shape {1} needs {2} bytes but holds {3}</source>
        <translation>形状为 {1} 的张量 {0} 需要 {2} 字节，但只有 {3}</translation>
    </message>
    <message>
        <source>tensor {0} refers to {1}, which is not a relative path</source>
        <translation>张量 {0} 指向 {1}，它不是相对路径</translation>
    </message>
    <message>
        <source>tensor {0} refers to {1}, which lies outside the model's folder</source>
        <translation>张量 {0} 指向 {1}，它位于模型文件夹之外</translation>
    </message>
    <message>
        <source>tensors {0} and {1} overlap in {2}</source>
        <translation>张量 {0} 和 {1} 在 {2} 中重叠</translation>
    </message>
    <message>
        <source>text or list of names or mapping</source>
        <translation>文本、名称列表或映射</translation>
    </message>
    <message>
        <source>the CUDA provider runs on it</source>
        <translation>CUDA 执行提供程序可在其上运行</translation>
    </message>
    <message>
        <source>the ONNX checker says: {0}</source>
        <translation>ONNX 检查器提示：{0}</translation>
    </message>
    <message>
        <source>the axis {0} is neither a size nor a word</source>
        <translation>轴 {0} 既不是大小也不是单词</translation>
    </message>
    <message>
        <source>the bias of {0} is not stored in the model</source>
        <translation>{0} 的偏置未存储在模型中</translation>
    </message>
    <message>
        <source>the card's energy counter cannot be read ({0})</source>
        <translation>无法读取显卡的能耗计数器（{0}）</translation>
    </message>
    <message>
        <source>the characters of the classes are not known</source>
        <translation>类别对应的字符未知</translation>
    </message>
    <message>
        <source>the checkpoint was discarded, because {0}: training started anew</source>
        <translation>检查点已丢弃（{0}）：训练已重新开始</translation>
    </message>
    <message>
        <source>the class the teacher chooses</source>
        <translation>教师选择的类别</translation>
    </message>
    <message>
        <source>the disk has no {0} left</source>
        <translation>磁盘剩余不足 {0}</translation>
    </message>
    <message>
        <source>the erf form of GELU replaced by Gelu</source>
        <translation>以 Gelu 取代 erf 形式的 GELU</translation>
    </message>
    <message>
        <source>the file grew from {0} to {1} bytes</source>
        <translation>文件从 {0} 增大到 {1} 字节</translation>
    </message>
    <message>
        <source>the folded weights would be out of range</source>
        <translation>折叠后的权重会超出范围</translation>
    </message>
    <message>
        <source>the form expand has no blocks; choose the form dequantize or matmulnbits</source>
        <translation>expand 形式不分块；请选择 dequantize 或 matmulnbits 形式</translation>
    </message>
    <message>
        <source>the form matmulnbits needs a block-size; 32 is usual</source>
        <translation>matmulnbits 形式需要 block-size；通常为 32</translation>
    </message>
    <message>
        <source>the images have {0} channels</source>
        <translation>图像有 {0} 个通道</translation>
    </message>
    <message>
        <source>the indices listed for axis {0} do not lead from {1} to {2}</source>
        <translation>为轴 {0} 列出的索引不能从 {1} 得到 {2}</translation>
    </message>
    <message>
        <source>the installed ONNX Runtime has no kernel for {0} as opset {1} defines it, with these types</source>
        <translation>已安装的 ONNX Runtime 没有 opset {1} 所定义的 {0} 在这些类型下的内核</translation>
    </message>
    <message>
        <source>the installed ONNX Runtime has no operator {0}{1}</source>
        <translation>已安装的 ONNX Runtime 没有算子 {0}{1}</translation>
    </message>
    <message>
        <source>the labels, by the loss that fits the task</source>
        <translation>标签，采用适合任务的损失</translation>
    </message>
    <message>
        <source>the loss broke down {0} times, at last at a learning rate of {1}</source>
        <translation>损失发散了 {0} 次，最后一次学习率为 {1}</translation>
    </message>
    <message>
        <source>the loss of step {0} is not a number: back to the best weights, half the learning rate</source>
        <translation>第 {0} 步的损失不是数值：回到最佳权重，学习率减半</translation>
    </message>
    <message>
        <source>the loss {0} compares with a teacher: use distill</source>
        <translation>损失 {0} 与教师比较：请使用 distill</translation>
    </message>
    <message>
        <source>the loss {0} needs {1}, at least auto</source>
        <translation>损失 {0} 需要 {1}，至少设为 auto</translation>
    </message>
    <message>
        <source>the lowest 95th percentile is {0} ms</source>
        <translation>最低的第 95 百分位数为 {0} ms</translation>
    </message>
    <message>
        <source>the model itself was not downloaded</source>
        <translation>模型本身没有下载</translation>
    </message>
    <message>
        <source>the model takes {0} at a time</source>
        <translation>模型每次处理 {0} 行</translation>
    </message>
    <message>
        <source>the model was opened from it</source>
        <translation>模型是从它打开的</translation>
    </message>
    <message>
        <source>the model was opened from {0} and its weights are read from it</source>
        <translation>模型从 {0} 打开，权重也从中读取</translation>
    </message>
    <message>
        <source>the model was replaced by the student {0}</source>
        <translation>模型已替换为学生 {0}</translation>
    </message>
    <message>
        <source>the name ends in none of .npz, .safetensors and .csv</source>
        <translation>名称不以 .npz、.safetensors 或 .csv 结尾</translation>
    </message>
    <message>
        <source>the operand this step works on is computed while the model runs</source>
        <translation>此步骤处理的操作数在模型运行时计算</translation>
    </message>
    <message>
        <source>the order of each two rows of a group (RankNet)</source>
        <translation>组内每两行的顺序（RankNet）</translation>
    </message>
    <message>
        <source>the order of each two rows of a group (hinge)</source>
        <translation>组内每两行的顺序（hinge）</translation>
    </message>
    <message>
        <source>the order of the rows of a group (ListNet)</source>
        <translation>组内各行的顺序（ListNet）</translation>
    </message>
    <message>
        <source>the order of the rows of a group, weighed by the gain in NDCG (LambdaRank)</source>
        <translation>组内各行的顺序，按 NDCG 增益加权（LambdaRank）</translation>
    </message>
    <message>
        <source>the original answers zeros and it does not</source>
        <translation>原始模型输出为零，而它不是</translation>
    </message>
    <message>
        <source>the original could not be run</source>
        <translation>原始模型无法运行</translation>
    </message>
    <message>
        <source>the output has {0} numbers per row, and the labels {1}</source>
        <translation>输出每行有 {0} 个数，而标签有 {1} 个</translation>
    </message>
    <message>
        <source>the output of {0} is also read elsewhere</source>
        <translation>{0} 的输出在别处也被读取</translation>
    </message>
    <message>
        <source>the outputs are averaged, not the weights</source>
        <translation>平均的是输出，而不是权重</translation>
    </message>
    <message>
        <source>the outputs are {0}</source>
        <translation>输出为 {0}</translation>
    </message>
    <message>
        <source>the outputs of the model</source>
        <translation>模型的输出</translation>
    </message>
    <message>
        <source>the processor's energy counter cannot be read ({0})</source>
        <translation>无法读取处理器的能耗计数器（{0}）</translation>
    </message>
    <message>
        <source>the runtime did not say why</source>
        <translation>运行时没有说明原因</translation>
    </message>
    <message>
        <source>the same value</source>
        <translation>同一个值</translation>
    </message>
    <message>
        <source>the samples have none</source>
        <translation>样本没有标签</translation>
    </message>
    <message>
        <source>the second one has no output named {0}</source>
        <translation>第二个模型没有名为 {0} 的输出</translation>
    </message>
    <message>
        <source>the student</source>
        <translation>学生</translation>
    </message>
    <message>
        <source>the system ended it (SIGKILL), most likely because memory ran out</source>
        <translation>系统结束了它（SIGKILL），很可能是内存不足</translation>
    </message>
    <message>
        <source>the task {0} needs numbers</source>
        <translation>任务 {0} 需要数值</translation>
    </message>
    <message>
        <source>the teacher</source>
        <translation>教师</translation>
    </message>
    <message>
        <source>the twin has no such operator</source>
        <translation>孪生模型没有此算子</translation>
    </message>
    <message>
        <source>the type {0} is none of {1}</source>
        <translation>类型 {0} 不在 {1} 之中</translation>
    </message>
    <message>
        <source>the types it works on are not known</source>
        <translation>它处理的类型未知</translation>
    </message>
    <message>
        <source>the variant in {0} cannot be read and is left out</source>
        <translation>无法读取 {0} 中的变体，已略过</translation>
    </message>
    <message>
        <source>the weights of {0} are integers</source>
        <translation>{0} 的权重是整数</translation>
    </message>
    <message>
        <source>the weights of {0} are not stored as plain numbers</source>
        <translation>{0} 的权重不是以普通数值存储</translation>
    </message>
    <message>
        <source>the weights of {0} are shared</source>
        <translation>{0} 的权重是共享的</translation>
    </message>
    <message>
        <source>the weights of {0} are {1}, and {2} there</source>
        <translation>{0} 的权重在此为 {1}，在另一模型中为 {2}</translation>
    </message>
    <message>
        <source>their files are of different versions</source>
        <translation>它们的文件版本不同</translation>
    </message>
    <message>
        <source>their inputs</source>
        <translation>它们的输入</translation>
    </message>
    <message>
        <source>their letters stand at no known step</source>
        <translation>其字符没有对应的时间步</translation>
    </message>
    <message>
        <source>their output error against the model before the first step, on the calibration rows</source>
        <translation>校准样本上相对于第一步之前模型的输出误差</translation>
    </message>
    <message>
        <source>their outputs</source>
        <translation>它们的输出</translation>
    </message>
    <message>
        <source>their tokens differ in number: {0} and {1}</source>
        <translation>它们的词元数不同：{0} 和 {1}</translation>
    </message>
    <message>
        <source>there are no labels, and no earlier model to compare with</source>
        <translation>没有标签，也没有可比较的先前模型</translation>
    </message>
    <message>
        <source>there are only {0} steps</source>
        <translation>只有 {0} 步</translation>
    </message>
    <message>
        <source>there are {0} GPUs, counted from 0</source>
        <translation>有 {0} 个 GPU，从 0 开始编号</translation>
    </message>
    <message>
        <source>there are {0} rows</source>
        <translation>共有 {0} 行</translation>
    </message>
    <message>
        <source>there is no folder {0}</source>
        <translation>没有文件夹 {0}</translation>
    </message>
    <message>
        <source>there is no such card</source>
        <translation>没有这样的显卡</translation>
    </message>
    <message>
        <source>there is none</source>
        <translation>没有</translation>
    </message>
    <message>
        <source>there was nothing left to learn</source>
        <translation>已没有可学习的内容</translation>
    </message>
    <message>
        <source>they are not of pairs of rows</source>
        <translation>它们不属于成对的行</translation>
    </message>
    <message>
        <source>they are steps of sequences</source>
        <translation>它们是序列的时间步</translation>
    </message>
    <message>
        <source>they are stored as {0}, or no output depends on them</source>
        <translation>它们存为 {0}，或没有输出依赖于它们</translation>
    </message>
    <message>
        <source>they are written in opset {0} and {1} of {2}</source>
        <translation>它们分别采用 {2} 的 opset {0} 和 {1}</translation>
    </message>
    <message>
        <source>they are {0}</source>
        <translation>它们是 {0}</translation>
    </message>
    <message>
        <source>they go from {0} to {1} and not from 0 to 1</source>
        <translation>其取值为 {0} 到 {1}，而不是 0 到 1</translation>
    </message>
    <message>
        <source>they have the shapes {0} and {1}</source>
        <translation>它们的形状为 {0} 和 {1}</translation>
    </message>
    <message>
        <source>this build of ONNX Runtime does not contain it</source>
        <translation>此版本的 ONNX Runtime 不包含它</translation>
    </message>
    <message>
        <source>this build of ONNX Runtime has no CUDA provider</source>
        <translation>此版本的 ONNX Runtime 没有 CUDA 执行提供程序</translation>
    </message>
    <message>
        <source>this is a defect of the method</source>
        <translation>这是该方法的缺陷</translation>
    </message>
    <message>
        <source>this machine has none</source>
        <translation>这台机器没有</translation>
    </message>
    <message>
        <source>this machine has {0}</source>
        <translation>本机有 {0} 个</translation>
    </message>
    <message>
        <source>this model</source>
        <translation>此模型</translation>
    </message>
    <message>
        <source>this studio reads version {0}</source>
        <translation>本工作室读取版本 {0}</translation>
    </message>
    <message>
        <source>threads per call (0: the runtime chooses)</source>
        <translation>每次调用的线程数（0：由运行时选择）</translation>
    </message>
    <message>
        <source>threshold</source>
        <translation>阈值</translation>
    </message>
    <message>
        <source>time budget per model</source>
        <translation>每个模型的时间预算</translation>
    </message>
    <message>
        <source>token {0} occurs and the model's table has {1} rows</source>
        <translation>出现词元 {0}，而模型的表有 {1} 行</translation>
    </message>
    <message>
        <source>too few rows for an interval</source>
        <translation>行数太少，无法给出区间</translation>
    </message>
    <message>
        <source>too small for float16 (largest magnitude {0})</source>
        <translation>对 float16 而言太小（最大绝对值 {0}）</translation>
    </message>
    <message>
        <source>took values that are not finite numbers</source>
        <translation>取到非有限值</translation>
    </message>
    <message>
        <source>torch cannot read {0} axes in mode {1}</source>
        <translation>torch 无法以模式 {1} 读取 {0} 个轴</translation>
    </message>
    <message>
        <source>torch cannot round to {0}</source>
        <translation>torch 无法取整到 {0}</translation>
    </message>
    <message>
        <source>torch convolves over 1 to 3 axes, not {0}</source>
        <translation>torch 的卷积支持 1 到 3 个轴，而不是 {0}</translation>
    </message>
    <message>
        <source>torch has no such type</source>
        <translation>torch 没有此类型</translation>
    </message>
    <message>
        <source>torch has no type for text</source>
        <translation>torch 没有文本类型</translation>
    </message>
    <message>
        <source>torch pools over 1 to 3 axes, not {0}</source>
        <translation>torch 的池化支持 1 到 3 个轴，而不是 {0}</translation>
    </message>
    <message>
        <source>training did not improve on the start</source>
        <translation>训练未优于初始状态</translation>
    </message>
    <message>
        <source>training did not improve on the start (loss on {0} held-out rows {1})</source>
        <translation>训练未优于初始状态（{0} 行留出样本上的损失为 {1}）</translation>
    </message>
    <message>
        <source>training ended before the schedule of sparsity did, so the weights stay as they were</source>
        <translation>训练在稀疏度调度完成之前结束，因此权重保持原样</translation>
    </message>
    <message>
        <source>translating to ONNX</source>
        <translation>转换为 ONNX</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>true 或 false</translation>
    </message>
    <message>
        <source>types</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>values from -1 to 1</source>
        <translation>取值 -1 到 1</translation>
    </message>
    <message>
        <source>values from 0 to 1</source>
        <translation>取值 0 到 1</translation>
    </message>
    <message>
        <source>values from 0 to 255</source>
        <translation>取值 0 到 255</translation>
    </message>
    <message>
        <source>waiting for another job on this device</source>
        <translation>等待此设备上的另一个任务</translation>
    </message>
    <message>
        <source>warming up</source>
        <translation>预热</translation>
    </message>
    <message>
        <source>was never computed</source>
        <translation>从未被计算</translation>
    </message>
    <message>
        <source>was zero</source>
        <translation>为零</translation>
    </message>
    <message>
        <source>weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>weights moved by {0} of their norm</source>
        <translation>权重变动为其范数的 {0}</translation>
    </message>
    <message>
        <source>whole number</source>
        <translation>整数</translation>
    </message>
    <message>
        <source>whole number or list of numbers</source>
        <translation>整数或数的列表</translation>
    </message>
    <message>
        <source>whole numbers above 2,048 are inexact in float16</source>
        <translation>大于 2,048 的整数在 float16 中不精确</translation>
    </message>
    <message>
        <source>writing</source>
        <translation>写入</translation>
    </message>
    <message>
        <source>zipped size</source>
        <translation>压缩后大小</translation>
    </message>
    <message>
        <source>{0} and {1}</source>
        <translation>{0} 和 {1}</translation>
    </message>
    <message>
        <source>{0} and {1} cannot be compared</source>
        <translation>无法比较 {0} 和 {1}</translation>
    </message>
    <message>
        <source>{0} and {1} cannot be made into one model</source>
        <translation>无法将 {0} 和 {1} 合为一个模型</translation>
    </message>
    <message>
        <source>{0} and {1} have no maps to compare</source>
        <translation>{0} 和 {1} 没有可比较的注意力图</translation>
    </message>
    <message>
        <source>{0} and {1} of the way</source>
        <translation>深度 {0} 与 {1} 处</translation>
    </message>
    <message>
        <source>{0} at {1}</source>
        <translation>{0}（{1}）</translation>
    </message>
    <message>
        <source>{0} brings its own input shapes</source>
        <translation>{0} 自带输入形状</translation>
    </message>
    <message>
        <source>{0} bytes claim to hold {1}</source>
        <translation>{0} 字节却声称含有 {1}</translation>
    </message>
    <message>
        <source>{0} cannot be learned from</source>
        <translation>无法从 {0} 学习</translation>
    </message>
    <message>
        <source>{0} cannot be loaded as TorchScript</source>
        <translation>无法将 {0} 作为 TorchScript 加载</translation>
    </message>
    <message>
        <source>{0} cannot be loaded by Keras in safe mode</source>
        <translation>Keras 无法在安全模式下加载 {0}</translation>
    </message>
    <message>
        <source>{0} cannot be opened</source>
        <translation>无法打开 {0}</translation>
    </message>
    <message>
        <source>{0} cannot be read</source>
        <translation>无法读取 {0}</translation>
    </message>
    <message>
        <source>{0} cannot be read as a WAV file</source>
        <translation>无法将 {0} 读作 WAV 文件</translation>
    </message>
    <message>
        <source>{0} cannot be read as a table</source>
        <translation>无法将 {0} 读作表格</translation>
    </message>
    <message>
        <source>{0} cannot be read as an image</source>
        <translation>无法将 {0} 读作图像</translation>
    </message>
    <message>
        <source>{0} cannot be read as text</source>
        <translation>无法将 {0} 读作文本</translation>
    </message>
    <message>
        <source>{0} cannot be run</source>
        <translation>无法运行 {0}</translation>
    </message>
    <message>
        <source>{0} cannot be translated to ONNX</source>
        <translation>无法将 {0} 转换为 ONNX</translation>
    </message>
    <message>
        <source>{0} cannot be unpacked</source>
        <translation>无法解压 {0}</translation>
    </message>
    <message>
        <source>{0} cannot be written</source>
        <translation>无法写入 {0}</translation>
    </message>
    <message>
        <source>{0} cannot go into a bundle</source>
        <translation>{0} 不能放入评测包</translation>
    </message>
    <message>
        <source>{0} cannot stand between teacher and student</source>
        <translation>{0} 不能介于教师与学生之间</translation>
    </message>
    <message>
        <source>{0} changed the inputs, outputs or versions of {1}</source>
        <translation>{0} 更改了 {1} 的输入、输出或版本</translation>
    </message>
    <message>
        <source>{0} changes none of the layers it was given.</source>
        <translation>{0} 对给定的层均不作改动。</translation>
    </message>
    <message>
        <source>{0} columns were given</source>
        <translation>给出了 {0} 列</translation>
    </message>
    <message>
        <source>{0} computes attention in one operator ({1}), inside of which maps cannot be seen</source>
        <translation>{0}用单个算子计算注意力（{1}），无法看到其内部的注意力图</translation>
    </message>
    <message>
        <source>{0} cores</source>
        <translation>{0} 个核心</translation>
    </message>
    <message>
        <source>{0} differs: {1} and {2}</source>
        <translation>{0} 不同：{1} 和 {2}</translation>
    </message>
    <message>
        <source>{0} does not belong to this model</source>
        <translation>{0} 不属于此模型</translation>
    </message>
    <message>
        <source>{0} does not describe samples</source>
        <translation>{0} 不是样本描述</translation>
    </message>
    <message>
        <source>{0} does not exist</source>
        <translation>{0} 不存在</translation>
    </message>
    <message>
        <source>{0} does not fit {1}</source>
        <translation>{0} 与 {1} 不相容</translation>
    </message>
    <message>
        <source>{0} does not hold session options</source>
        <translation>{0} 不含会话选项</translation>
    </message>
    <message>
        <source>{0} does not say how large its inputs are</source>
        <translation>{0} 未说明其输入的大小</translation>
    </message>
    <message>
        <source>{0} does not say properly which channels it kept</source>
        <translation>{0} 未正确说明保留了哪些通道</translation>
    </message>
    <message>
        <source>{0} does not say what ranges do</source>
        <translation>{0} 未说明范围如何变化</translation>
    </message>
    <message>
        <source>{0} ended in the middle of training</source>
        <translation>{0}在训练中途结束</translation>
    </message>
    <message>
        <source>{0} evaluations in a row brought no gain</source>
        <translation>连续 {0} 次评估没有改进</translation>
    </message>
    <message>
        <source>{0} folded into {1}</source>
        <translation>{0} 已折叠到 {1}</translation>
    </message>
    <message>
        <source>{0} has no array for input {1}</source>
        <translation>{0} 没有输入 {1} 的数组</translation>
    </message>
    <message>
        <source>{0} has no array {1}</source>
        <translation>{0} 没有数组 {1}</translation>
    </message>
    <message>
        <source>{0} has no attention</source>
        <translation>{0}没有注意力</translation>
    </message>
    <message>
        <source>{0} has no clean recording</source>
        <translation>{0} 没有干净的录音</translation>
    </message>
    <message>
        <source>{0} has no column for input {1}</source>
        <translation>{0} 没有输入 {1} 的列</translation>
    </message>
    <message>
        <source>{0} has no column {1}</source>
        <translation>{0} 没有列 {1}</translation>
    </message>
    <message>
        <source>{0} has no dynamic INT8 form</source>
        <translation>{0} 没有动态 INT8 形式</translation>
    </message>
    <message>
        <source>{0} has no float16 form in opset {1}</source>
        <translation>{0} 在 opset {1} 中没有 float16 形式</translation>
    </message>
    <message>
        <source>{0} has no integer kernel and stays float</source>
        <translation>{0} 没有整数内核，保持浮点</translation>
    </message>
    <message>
        <source>{0} has no layer named {1}</source>
        <translation>{0} 没有名为 {1} 的层</translation>
    </message>
    <message>
        <source>{0} has no meaning in mode {1}</source>
        <translation>{0} 在模式 {1} 下没有意义</translation>
    </message>
    <message>
        <source>{0} has no meaning unless losses name {1}</source>
        <translation>除非 losses 中有 {1}，否则 {0} 没有意义</translation>
    </message>
    <message>
        <source>{0} has no setting {1}</source>
        <translation>{0} 没有设置 {1}</translation>
    </message>
    <message>
        <source>{0} has no tensor named {1}</source>
        <translation>{0} 没有名为 {1} 的张量</translation>
    </message>
    <message>
        <source>{0} has no value named {1}</source>
        <translation>{0}没有名为 {1} 的内部值</translation>
    </message>
    <message>
        <source>{0} has {1} frames and {2} labels</source>
        <translation>{0} 有 {1} 帧和 {2} 个标签</translation>
    </message>
    <message>
        <source>{0} has {1} tokens and the model's table {2} rows: it may belong to another model.</source>
        <translation>{0} 有 {1} 个词元，而模型的表有 {2} 行：它可能属于另一个模型。</translation>
    </message>
    <message>
        <source>{0} have different names: {1} and {2}</source>
        <translation>{0}名称不同：{1} 和 {2}</translation>
    </message>
    <message>
        <source>{0} holds no WAV files</source>
        <translation>{0} 中没有 WAV 文件</translation>
    </message>
    <message>
        <source>{0} holds no arrays</source>
        <translation>{0} 中没有数组</translation>
    </message>
    <message>
        <source>{0} holds no images</source>
        <translation>{0} 中没有图像</translation>
    </message>
    <message>
        <source>{0} holds no images and no WAV files</source>
        <translation>{0} 中没有图像也没有 WAV 文件</translation>
    </message>
    <message>
        <source>{0} holds no rows</source>
        <translation>{0} 中没有行</translation>
    </message>
    <message>
        <source>{0} holds them in a form that is not written back</source>
        <translation>{0} 以无法写回的形式存储它们</translation>
    </message>
    <message>
        <source>{0} in {1}</source>
        <translation>{0}（{1}）</translation>
    </message>
    <message>
        <source>{0} instead of {1} steps fit in {2} minutes</source>
        <translation>{2} 分钟内可完成 {0} 步，而不是 {1} 步</translation>
    </message>
    <message>
        <source>{0} is a Keras model</source>
        <translation>{0} 是 Keras 模型</translation>
    </message>
    <message>
        <source>{0} is a damaged ZIP archive</source>
        <translation>{0} 是损坏的 ZIP 归档</translation>
    </message>
    <message>
        <source>{0} is a folder</source>
        <translation>{0} 是文件夹</translation>
    </message>
    <message>
        <source>{0} is an HDF5 file without a Keras model</source>
        <translation>{0} 是不含 Keras 模型的 HDF5 文件</translation>
    </message>
    <message>
        <source>{0} is computed from the shapes {1} and {2}</source>
        <translation>{0} 分别由形状 {1} 和 {2} 算出</translation>
    </message>
    <message>
        <source>{0} is empty</source>
        <translation>{0} 为空</translation>
    </message>
    <message>
        <source>{0} is left out: {1}</source>
        <translation>{0} 已略过：{1}</translation>
    </message>
    <message>
        <source>{0} is missing</source>
        <translation>缺少 {0}</translation>
    </message>
    <message>
        <source>{0} is not a NumPy array</source>
        <translation>{0} 不是 NumPy 数组</translation>
    </message>
    <message>
        <source>{0} is not a bench result</source>
        <translation>{0} 不是评测结果</translation>
    </message>
    <message>
        <source>{0} is not a complete Keras model</source>
        <translation>{0} 不是完整的 Keras 模型</translation>
    </message>
    <message>
        <source>{0} is not a complete NumPy array</source>
        <translation>{0} 不是完整的 NumPy 数组</translation>
    </message>
    <message>
        <source>{0} is not a complete ONNX file</source>
        <translation>{0} 不是完整的 ONNX 文件</translation>
    </message>
    <message>
        <source>{0} is not a complete TorchScript archive</source>
        <translation>{0} 不是完整的 TorchScript 归档</translation>
    </message>
    <message>
        <source>{0} is not a labels file</source>
        <translation>{0} 不是标签文件</translation>
    </message>
    <message>
        <source>{0} is not a loss</source>
        <translation>{0} 不是损失</translation>
    </message>
    <message>
        <source>{0} is not a model this studio reads</source>
        <translation>{0} 不是本工作室能读取的模型</translation>
    </message>
    <message>
        <source>{0} is not a pair of values</source>
        <translation>{0} 不是一对内部值</translation>
    </message>
    <message>
        <source>{0} is not a regular file</source>
        <translation>{0} 不是普通文件</translation>
    </message>
    <message>
        <source>{0} is not a schedule of sparsity</source>
        <translation>{0} 不是稀疏度调度</translation>
    </message>
    <message>
        <source>{0} is not a tokenizer of the tokenizers library</source>
        <translation>{0} 不是 tokenizers 库的分词器</translation>
    </message>
    <message>
        <source>{0} is not a valid exported program</source>
        <translation>{0} 不是有效的导出程序</translation>
    </message>
    <message>
        <source>{0} is not a valid model</source>
        <translation>{0} 不是有效的模型</translation>
    </message>
    <message>
        <source>{0} is not a zip file</source>
        <translation>{0} 不是 zip 文件</translation>
    </message>
    <message>
        <source>{0} is not an ONNX file</source>
        <translation>{0} 不是 ONNX 文件</translation>
    </message>
    <message>
        <source>{0} is not an ONNX model</source>
        <translation>{0} 不是 ONNX 模型</translation>
    </message>
    <message>
        <source>{0} is not opened</source>
        <translation>不打开 {0}</translation>
    </message>
    <message>
        <source>{0} is not valid YAML</source>
        <translation>{0} 不是有效的 YAML</translation>
    </message>
    <message>
        <source>{0} is of no known kind</source>
        <translation>{0} 的类型未知</translation>
    </message>
    <message>
        <source>{0} is read-only</source>
        <translation>{0} 是只读的</translation>
    </message>
    <message>
        <source>{0} is refused</source>
        <translation>拒绝 {0}</translation>
    </message>
    <message>
        <source>{0} is stored as a Python pickle, which can run any program</source>
        <translation>{0} 以 Python pickle 存储，可以运行任意程序</translation>
    </message>
    <message>
        <source>{0} is stored as {1} and written as {2}, which holds the same values</source>
        <translation>{0} 以 {1} 存储，写为 {2}，数值相同</translation>
    </message>
    <message>
        <source>{0} is too large for a report</source>
        <translation>{0} 太大，无法放入报告</translation>
    </message>
    <message>
        <source>{0} is unknown in opset {1}</source>
        <translation>{0} 在 opset {1} 中未知</translation>
    </message>
    <message>
        <source>{0} is {1}</source>
        <translation>{0} 是 {1}</translation>
    </message>
    <message>
        <source>{0} is {1} of {2}, and nothing tells which part</source>
        <translation>{0} 是 {2} 中的 {1}，但无法确定是哪一部分</translation>
    </message>
    <message>
        <source>{0} keeps its weights in float</source>
        <translation>{0} 的权重保持浮点</translation>
    </message>
    <message>
        <source>{0} min</source>
        <translation>{0} 分钟</translation>
    </message>
    <message>
        <source>{0} minutes are over</source>
        <translation>{0} 分钟已到</translation>
    </message>
    <message>
        <source>{0} model-local functions use another opset than the model and were kept as they are</source>
        <translation>{0} 个模型内函数使用与模型不同的 opset，保持原样</translation>
    </message>
    <message>
        <source>{0} model-local functions were inlined</source>
        <translation>已内联 {0} 个模型内函数</translation>
    </message>
    <message>
        <source>{0} ms</source>
        <translation>{0} ms</translation>
    </message>
    <message>
        <source>{0} ms, {1}</source>
        <translation>{0} ms，{1}</translation>
    </message>
    <message>
        <source>{0} names none of the {1} images</source>
        <translation>{0} 没有列出 {1} 张图像中的任何一张</translation>
    </message>
    <message>
        <source>{0} needs opset 21 and the file has {1}</source>
        <translation>{0} 需要 opset 21，而文件是 {1}</translation>
    </message>
    <message>
        <source>{0} nodes became {1}</source>
        <translation>{0} 个节点变为 {1} 个</translation>
    </message>
    <message>
        <source>{0} occurs and the table of input {1} has {2} rows</source>
        <translation>出现 {0}，而输入 {1} 的表有 {2} 行</translation>
    </message>
    <message>
        <source>{0} of its {1} are called {2}</source>
        <translation>{1} 中有 {0} 个名为 {2}</translation>
    </message>
    <message>
        <source>{0} of the original is {1}, no better than chance: check the labels, their order and the preparation of the inputs.</source>
        <translation>原始模型的 {0} 为 {1}，不优于随机水平：请检查标签、其顺序以及输入的预处理。</translation>
    </message>
    <message>
        <source>{0} of the texts are longer than {1} tokens and are cut off: give `max_length`.</source>
        <translation>{0} 的文本超过 {1} 个词元，会被截断：请给出 `max_length`。</translation>
    </message>
    <message>
        <source>{0} of the tokens are unknown to the tokenizer: it may be made for another language or case.</source>
        <translation>{0} 的词元不在分词器中：它可能用于其他语言或大小写。</translation>
    </message>
    <message>
        <source>{0} of the way</source>
        <translation>深度 {0} 处</translation>
    </message>
    <message>
        <source>{0} of the {1} rows looked at are</source>
        <translation>{0} 行（在所检查的 {1} 行中）是</translation>
    </message>
    <message>
        <source>{0} of {1} cells are empty</source>
        <translation>{1} 个单元格中有 {0} 个为空</translation>
    </message>
    <message>
        <source>{0} of {1} folded in</source>
        <translation>已折叠 {1} 的 {0}</translation>
    </message>
    <message>
        <source>{0} of {1} recordings have no label in {2}</source>
        <translation>{1} 段录音中有 {0} 段在 {2} 中没有标签</translation>
    </message>
    <message>
        <source>{0} of {1} rows of {2} were left out: models are evaluated on them</source>
        <translation>{2} 的 {1} 行中有 {0} 行已略过：它们用于评估模型</translation>
    </message>
    <message>
        <source>{0} of {1} samples</source>
        <translation>{1} 个样本中的 {0} 个</translation>
    </message>
    <message>
        <source>{0} of {1} weight tensors begin as those of {2}</source>
        <translation>{1} 个权重张量中有 {0} 个的初始值取自 {2}</translation>
    </message>
    <message>
        <source>{0} of {1} weights are zero, threshold {2}{3}{4}</source>
        <translation>{1} 个权重中有 {0} 个为零，阈值 {2}{3}{4}</translation>
    </message>
    <message>
        <source>{0} of {1} with {2} of {3}</source>
        <translation>{0}/{1} 对 {2}/{3}</translation>
    </message>
    <message>
        <source>{0} of {1} {2} no label in {3}</source>
        <translation>{1} {2}中有 {0} 张在 {3} 中没有标签</translation>
    </message>
    <message>
        <source>{0} of {1}, {2} of this model</source>
        <translation>{1} 占 {0}，此模型占 {2}</translation>
    </message>
    <message>
        <source>{0} on the calibration rows</source>
        <translation>校准样本上的 {0}</translation>
    </message>
    <message>
        <source>{0} processes need a GPU each</source>
        <translation>{0} 个进程各需一个 GPU</translation>
    </message>
    <message>
        <source>{0} provider, {1}, batch {2}, {3}</source>
        <translation>{0} 执行提供程序，{1}，批大小 {2}，{3}</translation>
    </message>
    <message>
        <source>{0} reads no weight matrix, kernel or table of its own</source>
        <translation>{0} 没有自己的权重矩阵、卷积核或表</translation>
    </message>
    <message>
        <source>{0} rows</source>
        <translation>{0} 行</translation>
    </message>
    <message>
        <source>{0} rows that models are evaluated on</source>
        <translation>{0}用于评估模型的样本</translation>
    </message>
    <message>
        <source>{0} that callers could replace through an input with a default became part of the model</source>
        <translation>调用方可通过带默认值的输入替换的 {0} 已成为模型的一部分</translation>
    </message>
    <message>
        <source>{0} threads</source>
        <translation>{0} 个线程</translation>
    </message>
    <message>
        <source>{0} threads, batch {1}, {2} instances</source>
        <translation>{0} 线程，批大小 {1}，{2} 个实例</translation>
    </message>
    <message>
        <source>{0} to {1}</source>
        <translation>{0} 至 {1}</translation>
    </message>
    <message>
        <source>{0} was given</source>
        <translation>给出了 {0}</translation>
    </message>
    <message>
        <source>{0} was not compared, because the model does not accept made-up inputs: {1}</source>
        <translation>未比较 {0}，因为模型不接受虚构的输入：{1}</translation>
    </message>
    <message>
        <source>{0} was not exported</source>
        <translation>未导出 {0}</translation>
    </message>
    <message>
        <source>{0} was saved on a big-endian machine</source>
        <translation>{0} 保存于大端序机器</translation>
    </message>
    <message>
        <source>{0} weights</source>
        <translation>{0} 个权重</translation>
    </message>
    <message>
        <source>{0} without effect removed</source>
        <translation>已删除无作用的 {0}</translation>
    </message>
    <message>
        <source>{0} would not fit where {1} did</source>
        <translation>{0} 放不下 {1} 原来的位置</translation>
    </message>
    <message>
        <source>{0} {1} became {2}</source>
        <translation>{0} {1} 变为 {2}</translation>
    </message>
    <message>
        <source>{0} {1} per call ({2}{3})</source>
        <translation>每次调用 {0} {1}（{2}{3}）</translation>
    </message>
    <message>
        <source>{0} {1} to {2}</source>
        <translation>{0} {1} 至 {2}</translation>
    </message>
    <message>
        <source>{0}, and float16 ends at {1}</source>
        <translation>{0}，而 float16 止于 {1}</translation>
    </message>
    <message>
        <source>{0}, and {1}</source>
        <translation>{0}，并且{1}</translation>
    </message>
    <message>
        <source>{0}, difference {1} ({2})</source>
        <translation>{0}，差异 {1}（{2}）</translation>
    </message>
    <message>
        <source>{0}, label {1}</source>
        <translation>{0}，标签 {1}</translation>
    </message>
    <message>
        <source>{0}, label {1} in {2} of {3} frames</source>
        <translation>{0}，{3} 帧中有 {2} 帧的标签为 {1}</translation>
    </message>
    <message>
        <source>{0}, {1} bytes of constants became {2}</source>
        <translation>{0}，{1} 字节的常量变为 {2}</translation>
    </message>
    <message>
        <source>{0}, {1}x larger</source>
        <translation>{0}，大 {1} 倍</translation>
    </message>
    <message>
        <source>{0}, {1}x smaller</source>
        <translation>{0}，小 {1} 倍</translation>
    </message>
    <message>
        <source>{0}. Install it with: pip install onnxruntime numpy</source>
        <translation>{0}。安装方法：pip install onnxruntime numpy</translation>
    </message>
    <message>
        <source>{0}.{1} has no standard float16 form</source>
        <translation>{0}.{1} 没有标准的 float16 形式</translation>
    </message>
    <message>
        <source>{0}: check the preparation.</source>
        <translation>{0}：请检查预处理。</translation>
    </message>
    <message>
        <source>{0}: nothing was matched, because {1}</source>
        <translation>{0}：没有配对，因为{1}</translation>
    </message>
    <message>
        <source>{0}: only one of both models ends in a softmax or sigmoid, so what they return is compared</source>
        <translation>{0}：两个模型中只有一个以 softmax 或 sigmoid 结尾，因此比较它们的返回值</translation>
    </message>
    <message>
        <source>{0}: the layer selection is empty</source>
        <translation>{0}：层选择为空</translation>
    </message>
    <message>
        <source>{0}: trained already, in the run that was interrupted</source>
        <translation>{0}：已在中断的运行中训练完成</translation>
    </message>
    <message>
        <source>{0}; and each would need a recurrent state of its own</source>
        <translation>{0}；且各自需要独立的循环状态</translation>
    </message>
    <message>
        <source>{0}; best after {1} of {2} steps on {3} rows at a learning rate of {4}, {5} s; ended because {6}</source>
        <translation>{0}；以学习率 {4} 在 {3} 行上训练 {2} 步，第 {1} 步最佳，用时 {5} s；结束原因：{6}</translation>
    </message>
    <message>
        <source>{0}; nor can their outputs be averaged: {1}</source>
        <translation>{0}；其输出也无法平均：{1}</translation>
    </message>
    <message>
        <source>{0}x faster ({1})</source>
        <translation>快 {0} 倍（{1}）</translation>
    </message>
    <message>
        <source>{0}x slower ({1})</source>
        <translation>慢 {0} 倍（{1}）</translation>
    </message>
</context>
</TS>
